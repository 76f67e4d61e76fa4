"""A class that the data lacks: accepted, named everywhere, never trained on, mended by a batch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tests.support.data.recording_maker import PROJECT, fleet
from tinyops.data.datasets.dataset import current_version, open_dataset, unfit_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.history import history
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels
from tinyops.data.labels.label_set import LabelRow, LabelSet, publish_labels
from tinyops.data.recordings import Recording
from tinyops.projects import Project
from tinyops.projects.gate_section import Gate
from tinyops.store import Store, layout
from tinyops.training.pipeline import outstanding_dataset, train_candidate
from tinyops.training.recipe import TrainingError
from tinyops_airflow.work import nothing_to_train

pytestmark = pytest.mark.slow
ABSENT = "class 'normal' is absent from train, validation and test"


def without_normal(batch: str = "b") -> list[Recording]:
    """A fleet whose recordings of `normal` the gate refuses: they are all zero."""
    zero = np.zeros((1, 256), np.float32)
    return [
        one if one.label != "normal" else Recording(**one.__dict__ | {"signal": zero + index})
        for index, one in enumerate(fleet(batch))
    ]


def ingested(store: Store, project: Project, batch: str, rows: list[Recording]) -> dict[str, Any]:
    publish_batch(store, project, batch, rows)
    return ingest_batch(store, project, batch)


def test_a_class_that_the_gate_refused_makes_the_version_unfit(
    store: Store, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ingested(store, project, "b", without_normal())
    assert (answer["status"], answer["accepted"], answer["refused"]) == ("accepted", 36, 12)
    assert answer["unfit"].startswith(ABSENT)
    assert answer["warnings"]["class_coverage"] == 1
    assert f"is unfit to train on: {ABSENT}" in caplog.text
    page = store.get(layout.data_docs_page(project.name, "b")).decode()
    assert "unfit to train on: class &#x27;normal&#x27; is absent from train" in page
    assert "class_coverage" in page
    assert unfit_dataset(store, project).startswith(ABSENT)
    assert history(store, project)["versions"][0]["unfit"].startswith(ABSENT)
    assert outstanding_dataset(store, project) is None
    assert f"unfit to train on: {ABSENT}" in nothing_to_train(store, project.name)
    with pytest.raises(TrainingError, match=f"unfit to train on: {ABSENT}"):
        train_candidate(store, project, answer["dataset"], "run")
    # What was absent comes later.
    whole = ingested(store, project, "c", [r for r in fleet("c") if r.label == "normal"])
    assert whole["unfit"] == ""
    assert outstanding_dataset(store, project) == whole["dataset"]


def test_one_class_alone_is_named_by_the_others(store: Store, project: Project) -> None:
    answer = ingested(store, project, "b", [r for r in fleet() if r.label == "normal"])
    assert answer["status"] == "accepted"
    for label in PROJECT.labels[1:]:
        assert f"class {label!r} is absent from train, validation and test" in answer["unfit"]
    assert "normal" not in answer["unfit"].partition(" (")[0]


def test_a_project_may_have_such_a_batch_refused(store: Store, project: Project) -> None:
    strict = project.model_copy(update={"gate": Gate(severity={"class_coverage": "refuse"})})
    answer = ingested(store, strict, "b", without_normal())
    assert answer["status"] == "quarantined"
    assert ABSENT in answer["reason"]


def test_labels_may_not_make_a_fit_version_unfit(store: Store, project: Project) -> None:
    first = ingested(store, project, "b", fleet())
    rows = open_dataset(store, project, first["dataset"]).index()
    labels = LabelSet(
        project=project.name,
        source="operator",
        author="ada",
        at=datetime.now(UTC),
        labels=tuple(
            LabelRow(recording_id=row.recording_id, label="ball")
            for row in rows
            if row.label == "normal"
        ),
    )
    publish_labels(store, project, labels)
    outcome = apply_labels(store, project, labels.id)
    assert outcome["status"] == "quarantined"
    assert ABSENT in outcome["reason"]
    assert current_version(store, project) == first["dataset"]
