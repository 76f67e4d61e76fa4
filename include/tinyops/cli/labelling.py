"""What the commands of `tinyops label` share: opening, requests, and publishing what is right."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyops.data.dataset import Dataset
    from tinyops.data.label_set import LabelRow, LabelSet, Source
    from tinyops.projects import Project
    from tinyops.store import Store


def open_project(project: str) -> tuple[Store, Project]:
    """The store, and a project by its name."""
    from tinyops.projects import load_project
    from tinyops.store import Store

    config = load_project(project)
    return Store.from_env(), config


def newest_dataset(store: Store, project: Project) -> Dataset:
    """The current dataset version; LabelError before the first."""
    from tinyops.data.dataset import current_version, open_dataset
    from tinyops.data.label_set import LabelError

    version = current_version(store, project)
    if version is None:
        raise LabelError(f"{project.name} has no dataset yet", "publish recordings first")
    return open_dataset(store, project, version)


def request_of(store: Store, project: Project, request: str, kind: str) -> dict[str, Any]:
    """A request that asks for what is about to be given; LabelError for any other."""
    from tinyops.data.label_set import LabelError
    from tinyops.data.labels import find_request

    asked = find_request(store, project, request)
    if asked["kind"] != kind:
        wants = {"data drift": "new recordings", "concept drift": "labels of recordings"}
        raise LabelError(
            f"request {request} is about {asked['kind']}: it asks for "
            f"{wants.get(asked['kind'], 'a look at the device')}",
            str(asked["instructions"]),
        )
    return asked


def predicted_labels(
    store: Store, project: Project, dataset: Dataset, asked: dict[str, Any]
) -> dict[str, str]:
    """Recording id -> what the request's release says of it; empty where its model is gone."""
    from tinyops.store import ObjectMissing
    from tinyops.training.released import ReleasedModel

    try:
        model = ReleasedModel.load(store, project, asked["release"])
    except ObjectMissing:
        return {}
    said = model.decide(dataset.recordings(only=set(asked["recordings"])))
    return {name: one.majority for name, one in said.items()}


def label_set(
    project: Project, rows: Sequence[LabelRow], source: Source, author: str, note: str
) -> LabelSet:
    """A set as of now; the author is the login name if "" is given."""
    from tinyops.data.label_set import LabelSet

    return LabelSet(
        project=project.name,
        source=source,
        author=author or login_name(),
        at=datetime.now(UTC),
        labels=tuple(rows),
        note=note,
    )


def publish_checked(store: Store, project: Project, labels: LabelSet) -> dict[str, Any]:
    """Publish a set of which every label can be applied; says what it published.

    Raises
    ------
    LabelError
        A label cannot be applied; nothing is published.
    """
    from tinyops.data.label_set import LabelError, publish_labels
    from tinyops.data.relabel import check_rows

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


def login_name() -> str:
    """Who runs this process; LabelError where the system does not know."""
    from tinyops.data.label_set import LabelError

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise LabelError("this process has no login name", "give --author") from None
