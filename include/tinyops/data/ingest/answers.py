"""Answers to what monitoring asks for, and corrections: checked before they are handed in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinyops.data.datasets.dataset import Dataset, current_version, open_dataset
from tinyops.data.ingest.batch import BatchError, publish_originals
from tinyops.data.ingest.inbox import input_id, outstanding_batches
from tinyops.data.ingest.ready import read_ready
from tinyops.data.ingest.relabel import check_rows
from tinyops.data.labels.label_request import Kind, LabelRequest, find_request
from tinyops.data.labels.label_set import (
    LabelError,
    LabelRow,
    LabelSet,
    Source,
    parse_labels,
    publish_labels,
)
from tinyops.data.labels.labels import outstanding_labels, receipt_id
from tinyops.data.recordings.importers import Description
from tinyops.file_hash import file_sha256
from tinyops.projects import Project
from tinyops.store import Store, content_id, layout

WANTS: dict[Kind, str] = {
    "data drift": "new recordings",
    "concept drift": "labels of recordings",
    "look": "a look at the device",
}
"""What a request of a kind asks for."""


def newest_dataset(store: Store, project: Project) -> Dataset:
    """The current dataset version; LabelError before the first."""
    version = current_version(store, project)
    if version is None:
        raise LabelError(f"{project.name} has no dataset yet", "publish recordings first")
    return open_dataset(store, project, version)


def request_of(store: Store, project: Project, request: str, kind: Kind) -> LabelRequest:
    """A request that asks for what is about to be given; LabelError for any other."""
    asked = find_request(store, project, request)
    if asked.kind != kind:
        raise LabelError(
            f"request {request} is about {asked.kind}: it asks for {WANTS[asked.kind]}",
            asked.instructions,
        )
    return asked


def label_set(
    project: Project, rows: Sequence[LabelRow], source: Source, author: str, note: str = ""
) -> LabelSet:
    """A set as of now."""
    return LabelSet(
        project=project.name,
        source=source,
        author=author,
        at=datetime.now(UTC),
        labels=tuple(rows),
        note=note,
    )


def answer_with_labels(
    store: Store, project: Project, request: str, labels: LabelSet
) -> dict[str, Any]:
    """Hand in labels as the answer to a request about concept drift; says what was published.

    Raises
    ------
    LabelError
        The request asks for something else, or a label cannot be applied; nothing is published.
    """
    asked = request_of(store, project, request, "concept drift")
    # Who answers has seen what the audits say.
    changes = {"request": asked.id, "adopt_audits": True}
    return publish_checked(store, project, labels.model_copy(update=changes))


def answer_batch(request: str, content: str = "") -> str:
    """Name of a batch that answers a request; `content` tells it from others that do."""
    return "-".join(filter(None, ("answer", request, content)))


def answer_with_files(
    store: Store, project: Project, request: str, paths: Sequence[Path], said: Description, by: str
) -> dict[str, Any]:
    """Hand in files of recordings as the answer to a request about data drift.

    They are not opened: ingest imports them, each in a child. The batch is named by the request and
    what the files hold, so to hand the same in twice is harmless.

    Raises
    ------
    LabelError
        The request asks for something else.
    ImportRefused
        A file is of a kind that cannot be read, empty or too large, or its name says nothing.
    """
    asked = request_of(store, project, request, "data drift")
    content = content_id([repr(said), *sorted(file_sha256(path) for path in paths)], 8)
    batch = answer_batch(asked.id, content)
    if not store.exists(layout.batch_ready(project.name, batch)):
        publish_originals(store, project, batch, paths, said, f"by {by}", request=asked.id)
    return {"batch": batch, "count": len(paths), "request": asked.id}


def publish_checked(store: Store, project: Project, labels: LabelSet) -> dict[str, Any]:
    """Publish a set of which every label can be applied; says what it published.

    Raises
    ------
    LabelError
        A label cannot be applied; nothing is published.
    """
    rows = {row.recording_id: row for row in newest_dataset(store, project).index()}
    _, refused = check_rows(labels, rows, project)
    if refused:
        first = refused[0]
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise LabelError(
            f"recording {first.recording_id!r}, label {first.label!r}: {first.kind}{more}; "
            "nothing was published",
            first.fix,
        )
    uri = publish_labels(store, project, labels)
    told = {"labels": labels.id, "uri": uri, "count": len(labels.labels)}
    return told | ({"request": labels.request} if labels.request else {})


def answers_on_their_way(store: Store, project: Project) -> dict[str, str]:
    """Request -> the label set or batch that answers it and that ingest has not taken in yet.

    What ingest will refuse whole answers nothing.
    """
    found: dict[str, str] = {}
    for set_id in outstanding_labels(store, project):
        if receipt_id(set_id) == set_id:
            with suppress(LabelError):
                text = store.get(layout.label_set(project.name, set_id))
                found.setdefault(parse_labels(text, set_id).request, f"labels {set_id}")
    for batch in outstanding_batches(store, project):
        if input_id(batch) == batch:
            with suppress(BatchError):
                found.setdefault(read_ready(store, project, batch).request, f"batch {batch}")
    found.pop("", None)
    return found
