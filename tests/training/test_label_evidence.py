"""Which labels speak about a released model, and what they say; a small model, a real S3 server."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.support.candidate_maker import put_candidate
from tests.support.chip import MODELS
from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.conversion.tflite.int8 import output_scale
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels
from tinyops.data.labels.label_set import LabelRow, LabelSet, publish_labels
from tinyops.data.recordings.sources import generate
from tinyops.frontend import Frontend, FrontendSpec, cut_windows
from tinyops.projects import Project, load_project
from tinyops.store import ObjectMissing, ReportKind, Store, layout
from tinyops.training.evidence import labelled_windows
from tinyops.training.released import ReleasedModel
from tinyops.training.windows import counts_of

pytestmark = pytest.mark.slow

WINDOW = 32
SECONDS = 0.05
MODEL = (MODELS / "other.tflite").read_bytes()
FRONTEND = Frontend(FrontendSpec("identity", WINDOW, WINDOW, 1, (WINDOW, 1, 1), 1.0, 0))
RELEASED = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """`motor_health` with windows that a tiny model takes."""
    monkeypatch.setenv("TINYOPS_CACHE", str(tmp_path / "cache"))
    full = load_project("motor_health")
    signal = full.signal.model_copy(update={"window": WINDOW, "hop": WINDOW // 2})
    split = full.split.model_copy(update={"salt": "3"})
    return full.model_copy(update={"signal": signal, "split": split})


@pytest.fixture
def dataset(store: Store, project: Project) -> str:
    """A dataset version, and a release whose model was trained on it."""
    version = ingest(store, project, "b1", 0)
    put_candidate(
        store,
        project.name,
        "r1",
        dataset=version,
        labels=project.labels,
        model=MODEL,
        frontend=FRONTEND,
        temperature=2.0,
    )
    release = {"version": "r1", "dataset": version, "created": RELEASED.isoformat()}
    store.put_json(layout.release_manifest(project.name, "r1"), release)
    return version


def ingest(store: Store, project: Project, batch: str, start: int) -> str:
    recordings = generate(project, 1, machines=12, seconds=SECONDS, start_machine=start)
    publish_batch(store, project, batch, recordings)
    result = ingest_batch(store, project, batch)
    assert result["status"] == "accepted", result
    return str(result["dataset"])


def say(store: Store, project: Project, source: str, minutes: int, **said: str) -> None:
    rows = tuple(LabelRow(recording_id=name, label=label) for name, label in said.items())
    at = RELEASED + timedelta(minutes=minutes)
    labels = LabelSet(project=project.name, source=source, author="ada", at=at, labels=rows)
    publish_labels(store, project, labels)
    assert apply_labels(store, project, labels.id)["status"] != "quarantined"


def test_audits_since_the_release_of_what_it_has_not_learnt(
    store: Store, project: Project, dataset: str
) -> None:
    opened = open_dataset(store, project, dataset)
    names = {part: [r.recording_id for r in opened.recordings(part)] for part in ("train", "test")}
    first, second, third, fourth = names["test"][:4]
    assert labelled_windows(store, project, "r1").recordings == ()
    say(store, project, "audit", -5, **{first: "ball"})
    say(store, project, "audit", 5, **{second: "ball", names["train"][0]: "ball", third: "normal"})
    # Who relabels on request chose what was wrong: no evidence, but newer than an audit it counts.
    say(store, project, "work_order", 10, **{third: "outer_race", fourth: "ball"})
    found = labelled_windows(store, project, "r1")
    assert {(one.recording_id, one.label, one.source) for one in found.recordings} == {
        (second, "ball", "audit"),
        (third, "outer_race", "work_order"),
    }
    assert found.recordings[0].at.endswith("+00:00")


def test_batches_since_the_releases_dataset(store: Store, project: Project, dataset: str) -> None:
    version = ingest(store, project, "b2", 12)
    found = labelled_windows(store, project, "r1")
    sent = generate(project, 1, machines=12, seconds=SECONDS, start_machine=12)
    new = {one.recording_id: one for one in sent}
    assert {one.recording_id: one.label for one in found.recordings} == {
        name: one.label for name, one in new.items()
    }
    assert {one.source for one in found.recordings} == {"batch"}
    assert len(found.confidences) == 48 * 31 == len(found.correct) == len(found.recording_ids)
    # As a device decides: each window by itself, by the model's int8 logits.
    [one] = [one for one in found.recordings if one.recording_id == next(iter(new))]
    [recording] = open_dataset(store, project, version).recordings(only={one.recording_id})
    windows = cut_windows(counts_of(recording, project), WINDOW, WINDOW)
    logits = int8_logits(MODEL, FRONTEND.run(windows))
    table = exponent_table(output_scale(MODEL), 2.0)
    assert list(one.confidences_q8) == confidences_q8(logits, table).tolist()
    assert [project.labels.index(name) for name in one.predictions] == logits.argmax(1).tolist()
    assert len(set(found.predictions)) > 1
    assert one.correct == [name == one.label for name in one.predictions]
    assert np.array_equal(found.correct, found.predictions == found.labels)


def test_nothing_new_is_no_work(
    store: Store, project: Project, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store, project, "b2", 12)
    first = labelled_windows(store, project, "r1")
    store.put(layout.candidate(project.name, "r1") + layout.MODEL, b"not even read again")
    assert labelled_windows(store, project, "r1") == first
    [folder] = {
        row.key for row in store.objects(layout.report(project.name, ReportKind.LABELLED, "r1"))
    }
    assert store.uri(folder) == first.uri
    with pytest.raises(ObjectMissing, match="r2"):
        labelled_windows(store, project, "r2")


def test_most_windows_decide_a_recording(store: Store, project: Project, dataset: str) -> None:
    recordings = list(open_dataset(store, project, dataset).recordings("test"))
    said = ReleasedModel.load(store, project, "r1").decide(recordings)
    assert list(said) == [one.recording_id for one in recordings]
    for one in said.values():
        assert one.predictions.count(one.majority) == max(
            one.predictions.count(name) for name in project.labels
        )
    short = [replace(one, signal=one.signal[:, : WINDOW - 1]) for one in recordings]
    assert ReleasedModel.load(store, project, "r1").decide(short) == {}


def test_evidence_needs_no_tensorflow() -> None:
    heavy = {"tensorflow", "keras", "great_expectations", "pandas", "mlflow"}
    code = (
        "import sys; from tinyops.training import evidence\n"
        "from tinyops.conversion.tflite.int8 import output_scale\n"
        f"output_scale(open({str(MODELS / 'tiny.tflite')!r}, 'rb').read())\n"
        f"print(sorted(set(sys.modules) & {heavy!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
