"""A simulated technician for the demo: brings labelled recordings, audits, labels again.

Everything that it hands in says `simulated`. The changed meaning is that the last two classes of a
project exchange their names.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyops.data.datasets.index import IndexRow
    from tinyops.data.labels.label_request import LabelRequest
    from tinyops.data.labels.label_set import LabelSet
    from tinyops.projects import Project
    from tinyops.store import Store

AUTHOR = "simulated technician"


def exchanged(project: Project) -> tuple[str, str]:
    """The two classes that exchange their names when the meaning changes."""
    return project.labels[-2], project.labels[-1]


def answer_data_drift(store: Store, project: Project, request: LabelRequest, seed: int = 1) -> str:
    """Bring labelled recordings of the changed world; returns the batch's name.

    Answering the same request twice is harmless.
    """
    from tinyops.data.ingest.answers import answer_batch
    from tinyops.data.ingest.batch import publish_batch
    from tinyops.data.recordings.sources import source_for

    name = answer_batch(request.id)
    recordings = source_for(project).changed_recordings(seed)
    publish_batch(store, project, name, recordings, AUTHOR, request=request.id)
    return name


def audit_new_meaning(store: Store, project: Project, count: int = 60) -> str:
    """Label `count` recordings in the changed meaning, as an audit; returns the set.

    They are drawn from the validation and test parts by a hash of their names, whatever the model
    says of them.
    """
    from tinyops.data.datasets.dataset import current_version, open_dataset
    from tinyops.store import content_id

    dataset = open_dataset(store, project, str(current_version(store, project)))
    held_out = [row for row in dataset.index() if dataset.part_of(row) != "train"]
    drawn = sorted(held_out, key=lambda row: content_id(row.recording_id))[:count]
    labels = _labels(project, drawn, source="audit")
    return _publish(store, project, labels)


def answer_concept_drift(store: Store, project: Project, request: LabelRequest) -> str:
    """Label all recordings of a request in the changed meaning; returns the set."""
    from tinyops.data.datasets.dataset import current_version, open_dataset

    dataset = open_dataset(store, project, str(current_version(store, project)))
    asked = set(request.recordings)
    rows = [row for row in dataset.index() if row.recording_id in asked]
    more = {"request": request.id, "adopt_audits": True}
    return _publish(store, project, _labels(project, rows, source="work_order", **more))


def _labels(project: Project, rows: Iterable[IndexRow], **fields: Any) -> LabelSet:
    """Labels of recordings whose own say what they were called before the meaning changed."""
    from tinyops.data.labels.label_set import LabelRow, LabelSet

    one, other = exchanged(project)
    renamed = {one: other, other: one}
    return LabelSet(
        project=project.name,
        author=AUTHOR,
        at=datetime.now(UTC),
        labels=tuple(
            LabelRow(recording_id=row.recording_id, label=renamed.get(row.label, row.label))
            for row in rows
        ),
        note="simulated: what people call it has changed",
        **fields,
    )


def _publish(store: Store, project: Project, labels: LabelSet) -> str:
    from tinyops.data.labels.label_set import publish_labels

    publish_labels(store, project, labels)
    return labels.id
