"""Batches of several files: measured apart or in one process, they end in the same version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.support.data.recording_maker import arrow_bytes, fleet, put_raw, recording
from tests.support.data.remembered_gate import RememberedGate
from tests.support.power_cut import CutStore, PowerCut
from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch, outstanding_batches
from tinyops.data.ingest.staging import plan, stage, sweep
from tinyops.data.recordings.parquet import in_own_form, to_batch, write_recordings
from tinyops.projects import Project
from tinyops.store import Store, content_id, layout

pytestmark = pytest.mark.slow

MIXED = [*fleet()[:30], recording("bad", label="cage"), *fleet()[30:]]


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 16 recordings, each for a task of its own."""
    for module in ("batch", "piece"):
        monkeypatch.setattr(f"tinyops.data.ingest.{module}.FILE_BYTES", 16 << 10)
    monkeypatch.setenv("TINYOPS_MAPPED_MB", "0")


class Watched(Store):
    """The real store; notes what is fetched."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.client, store.bucket)
        self.fetched: list[str] = []

    def download(self, key: str, path: Path) -> Path:
        self.fetched.append(key.rsplit("/", 1)[-1])
        return super().download(key, path)


def measured_apart(store: Store, project: Project) -> list[dict[str, int]]:
    """What the DAG's mapped tasks do."""
    return [stage(store, project, work) for work in plan(store, project)]


def ids(store: Store, project: Project, version: str) -> list[str]:
    return [one.recording_id for one in open_dataset(store, project, version).recordings()]


def test_one_process_or_several_give_the_same_version(store: Store, project: Project) -> None:
    uri = publish_batch(store, project, "b", MIXED)
    ready = store.get_json(store.key(uri))
    assert [file["count"] for file in ready["files"]] == [16, 16, 16, 1]
    assert (ready["count"], ready["size"]) == (49, sum(f["size"] for f in ready["files"]))
    assert publish_batch(store, project, "b", MIXED) == uri
    alone = ingest_batch(store, project, "b")
    assert (alone["status"], alone["accepted"], alone["refused"]) == ("accepted", 48, 1)
    manifest = open_dataset(store, project, alone["dataset"]).manifest
    # What holds nothing bad is taken as it is.
    sent, kept = ([f["sha256"] for f in files] for files in (ready["files"], manifest["files"]))
    assert [a == b for a, b in zip(sent, kept, strict=True)] == [True, False, True, True]
    assert [file["rows"] for file in manifest["files"]] == [16, 15, 16, 1]
    assert ids(store, project, alone["dataset"]) == [one.recording_id for one in fleet()]

    other = project.model_copy(update={"name": "elsewhere"})
    publish_batch(store, other, "b", MIXED)
    counts = measured_apart(store, other)
    assert [one["files"] for one in counts] == [1, 1, 1, 1]
    assert sum(one["recordings"] for one in counts) == 49
    watched = Watched(store)
    joined = ingest_batch(watched, other, "b")
    assert watched.fetched == ["recordings-00002.parquet"], "what was measured is not read again"
    assert joined["dataset"] == alone["dataset"]
    assert ids(store, other, joined["dataset"]) == ids(store, project, alone["dataset"])
    reasons = [
        store.get_json(layout.quarantine_reason(name, "b"))["refusals"]
        for name in (project.name, other.name)
    ]
    assert reasons[0] == reasons[1]
    assert [refusal["row"] for refusal in reasons[0]] == [30]
    sweep(store, other)
    assert not list(store.objects(layout.staging(other.name)))


def test_little_is_not_measured_apart(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_batch(store, project, "b", MIXED)
    store.put(layout.sent_ready(project.name, "not a name"), b"{}")
    put_raw(store, "broken", b"", size="large")
    assert len(plan(store, project)) == 4
    monkeypatch.setenv("TINYOPS_MAPPED_MB", "1")
    assert plan(store, project) == []
    monkeypatch.setattr("tinyops.data.ingest.staging.MOST_TASKS", 2)
    monkeypatch.setenv("TINYOPS_MAPPED_MB", "0")
    work = plan(store, project)
    assert len(work) == 2
    assert [name for one in work for _, name in one] == [layout.batch_file(n) for n in range(1, 5)]


def test_duplicates_are_found_between_files_and_batches(store: Store, project: Project) -> None:
    twins = [recording("twin-1", signal=MIXED[0].signal), recording(MIXED[1].recording_id)]
    publish_batch(store, project, "b0", [*fleet(), *twins])
    publish_batch(store, project, "b1", [*fleet("c"), recording("twin-2", signal=MIXED[2].signal)])
    measured_apart(store, project)
    answers = [ingest_batch(store, project, batch) for batch in ("b0", "b1")]
    # Of two recordings of one name nobody knows which is right.
    assert [(one["accepted"], one["refused"]) for one in answers] == [(47, 3), (48, 1)]


def test_a_bad_file_refuses_its_batch_alone(store: Store, project: Project) -> None:
    publish_batch(store, project, "cut", fleet("x"))
    key = layout.batch_recordings(project.name, "cut", "recordings-00002.parquet")
    store.put(key, store.get(key)[:-100])
    publish_batch(store, project, "good", fleet())
    measured_apart(store, project)
    answers = [ingest_batch(store, project, batch) for batch in outstanding_batches(store, project)]
    assert [one["status"] for one in answers] == ["quarantined", "accepted"]
    assert "recordings-00002.parquet is not what batch.json says" in answers[0]["reason"]


def test_what_was_changed_after_it_was_measured_is_refused(store: Store, project: Project) -> None:
    publish_batch(store, project, "b", fleet())
    measured_apart(store, project)
    key = layout.batch_recordings(project.name, "b", "recordings-00003.parquet")
    store.put(key, arrow_bytes(pa.Table.from_batches([to_batch(fleet("late")[:16])])))
    answer = ingest_batch(store, project, "b")
    assert answer["status"] == "quarantined"
    assert "recordings-00003.parquet was changed while it was read" in answer["reason"]
    assert current_version(store, project) is None


def foreign(kind: str) -> bytes:
    """`fleet()` as another program may write it."""
    table = pa.Table.from_batches([to_batch(fleet())])
    if kind == "doubles":
        wide = pa.list_(pa.list_(pa.float64()))
        column = table.schema.get_field_index("signal")
        table = table.set_column(column, "signal", table["signal"].cast(wide))
    if kind == "notes":
        table = table.replace_schema_metadata({"pandas": "{}"})
    return arrow_bytes(table)


@pytest.mark.parametrize(("kind", "apart"), [("doubles", True), ("notes", False), ("large", True)])
def test_foreign_files_are_rewritten_in_our_form(
    store: Store,
    project: Project,
    tmp_path: Path,
    kind: str,
    apart: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_raw(store, "b", foreign(kind))
    publish_batch(store, project, "more", [recording("more")])
    with monkeypatch.context() as patch:
        patch.setattr("tinyops.data.recordings.parquet.CHUNK_BYTES", 4 << 10)
        if apart:
            measured_apart(store, project)
        dataset = open_dataset(store, project, ingest_batch(store, project, "b")["dataset"])
    sent = [(one.recording_id, one.fingerprint()) for one in fleet()]
    assert [(one.recording_id, one.fingerprint()) for one in dataset.recordings()] == sent
    for file in dataset.manifest["files"]:
        path = store.download(file["key"], tmp_path / "file.parquet")
        assert in_own_form(path, 1 << 20)
        assert file["rows"] < 20, "of bounded size"
        assert not parquet.read_schema(path).metadata


def test_own_form(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    for recordings in (fleet(), []):
        write_recordings(path, recordings)
        assert in_own_form(path, 1 << 20)
    write_recordings(path, fleet())
    assert not in_own_form(path, 8 << 10)
    for kind in ("doubles", "notes"):
        path.write_bytes(foreign(kind))
        assert not in_own_form(path, 1 << 20)


FILE = {"name": "a.parquet", "sha256": "0" * 64, "size": 1, "count": 1}
FILES: dict[str, tuple[Any, str]] = {
    "no-list": ({}, "files is no list"),
    "none": ([], "files is no list"),
    "text": (["a.parquet"], r"files[0] is no mapping"),
    "lacking": ([FILE | {"size": None}], "files[0]: size is missing"),
    "path": ([FILE | {"name": "../../other/a.parquet"}], "cannot name a file"),
    "ready": ([FILE | {"name": "batch.json"}], "cannot name a file"),
    "twice": ([FILE, FILE], "names a file twice"),
    "gone": ([FILE], "there is a batch.json but no a.parquet"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_list_of_files_that_is_none(store: Store, project: Project, name: str) -> None:
    files, reason = FILES[name]
    put_raw(store, "odd", None, count=1)
    content = store.get_json(layout.batch_ready(project.name, "odd")) | {"files": files}
    store.put(layout.batch_ready(project.name, "odd"), json.dumps(content).encode())
    measured_apart(store, project)
    answer = ingest_batch(store, project, "odd")
    assert answer["status"] == "quarantined"
    assert reason in answer["reason"]


def test_cut_off_before_each_write(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("batch", "piece"):
        monkeypatch.setattr(f"tinyops.data.ingest.{module}.FILE_BYTES", 32 << 10)
    publish_batch(store, project, "b", MIXED)
    other = project.model_copy(update={"name": f"p{content_id('whole')}"})
    publish_batch(store, other, "b", MIXED)
    whole = ingest_batch(store, other, "b")
    gate = RememberedGate(monkeypatch)
    cut = CutStore(store)
    for _ in range(99):
        try:
            measured_apart(cut, project)
            answer = ingest_batch(cut, project, "b")
            break
        except PowerCut:
            version = current_version(store, project)
            assert version is None or len(ids(store, project, version)) == 48
            assert outstanding_batches(store, project) == ["b"]
    assert answer["dataset"] == whole["dataset"]
    assert outstanding_batches(store, project) == []
    # Two findings; two files with an index each; three of docs, two in quarantine, manifest,
    # pointer and receipt.
    assert cut.died == 2 + 4 + 3 + 2 + 3
    # In every run that got past the findings, but the last, which has its version already.
    assert (gate.asked, gate.computed) == (4 + 3 + 2 + 3, 1)
