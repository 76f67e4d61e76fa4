"""After a machine is forgotten no object holds its samples, and all the rest is as it was."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from leftovers import leftovers
from project_house import (
    NAME,
    PROJECT,
    TEST_MACHINE,
    TRAIN_MACHINE,
    candidate,
    champion,
    fleet,
    gateway,
    label,
    release,
    take_in,
    three_machines,
)
from typer.testing import CliRunner

from frame_makers import record, send
from tinyops.cli.data import data_app
from tinyops.conversion.candidate import read_candidate
from tinyops.conversion.errors import ConversionError
from tinyops.data import Recording, publish_batch
from tinyops.data.dataset import current_version, open_dataset, read_manifest
from tinyops.data.forgotten import forgotten_among, remember
from tinyops.data.history import history
from tinyops.data.inbox import outstanding_inputs
from tinyops.data.ingest import ingest_batch
from tinyops.data.label_set import LabelRow, LabelSet, publish_labels
from tinyops.data.labels import label_history
from tinyops.data.relabel import apply_labels, outstanding_labels
from tinyops.data.upkeep import UpkeepError, ask, outstanding_requests
from tinyops.errors import TinyOpsError
from tinyops.lineage.carry_out import carry_out, carry_out_all
from tinyops.lineage.find import find
from tinyops.lineage.records import Records
from tinyops.lineage.trace import trace
from tinyops.lineage.withdraw import withdraw_images
from tinyops.monitoring.table import Row as FrameRow
from tinyops.monitoring.table import read_frames, replace_table
from tinyops.store import Store, layout, receipts
from tinyops.training.pipeline import outstanding_dataset

OTHER = "m4"


def of(machine: str, recordings: list[Recording]) -> list[Recording]:
    return [one for one in recordings if one.machine_id == machine]


def live(store: Store) -> dict[str, Any]:
    """All that a project can hold of a machine whose recordings are in the test part."""
    sent = fleet("b0", range(12))
    first = take_in(store, "b0", sent)
    more = fleet("b1", range(2, 6))
    bad = [_bad(one) for one in fleet("bad", range(3, 5))]
    second = take_in(store, "b1", [*more, *bad], note=f"from the hall of {TEST_MACHINE}")
    said, third = label(store, f"b0-{TEST_MACHINE}-ball", "normal", author="ada")
    _, third = label(store, f"b0-{OTHER}-ball", "normal", author="bob")
    candidate(store, "run-1", second)
    release(store, "run-1", second)
    champion(store, "run-1")
    candidate(store, "run-2", third)
    gateway(store, "line-3", {"d0": "run-1"})
    waiting = fleet("b2", range(3, 5))
    publish_batch(store, PROJECT, "b2", waiting)
    all_bad = [_bad(one) for one in fleet("b3", range(3, 5))]
    publish_batch(store, PROJECT, "b3", all_bad)
    assert ingest_batch(store, PROJECT, "b3")["status"] == "quarantined"
    words = tuple(
        LabelRow(recording_id=f"b1-{name}-ball", label="inner_race")
        for name in (TEST_MACHINE, OTHER)
    )
    told = LabelSet(
        project=NAME, source="operator", author="eve", at=datetime.now(UTC), labels=words
    )
    publish_labels(store, PROJECT, told)
    # A file in another format, of a batch that held the machine.
    original = of(TEST_MACHINE, more)[0].signal.astype("<f4").tobytes()
    store.put(layout.incoming(NAME, "b1") + "capture.wav", b"RIFF" + original)
    _predictions(store, second)
    frames = [record(number, device=f"d{number}") for number in (3, 4)]
    file = send(store, frames)
    replace_table(store, NAME, file.date, file.gateway, [FrameRow(one, file.id) for one in frames])
    words_said = [{"recording_id": one.recording_id, "label": one.label} for one in sent]
    content = {"release": "run-1", "recordings": words_said}
    store.put_json(layout.report(NAME, "labelled", "run-1") + "x.json", content)
    store.put_json(layout.report(NAME, "verdict", "v3") + "verdict.json", {"device": "d3"})
    store.put_json(layout.report(NAME, "verdict", "v4") + "verdict.json", {"device": "d4"})
    everything = [*sent, *more, *bad, *waiting, *all_bad]
    return {
        "versions": [first, second, third],
        "set": said,
        "mine": of(TEST_MACHINE, everything),
        "others": [one for one in everything if one.machine_id != TEST_MACHINE],
        "good": [*sent, *more],
    }


def _bad(one: Recording) -> Recording:
    return Recording(**{**vars(one), "label": "cage"})


def _predictions(store: Store, version: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    sink = io.BytesIO()
    parquet.write_table(pa.table({"machine_id": [TEST_MACHINE, OTHER], "logits": [1, 2]}), sink)
    store.put(layout.predictions_shard(NAME, version, "run-1", "0000"), sink.getvalue())
    store.put_json(layout.predictions_summary(NAME, version, "run-1"), {"parts": {}})


def asked(store: Store, machine: str = TEST_MACHINE) -> str:
    remember(store, NAME, machine)
    return ask(store, NAME, "forget", "ada", machine).id


def whole(store: Store) -> None:
    """Every manifest names files that are there, and the current version reads to its end."""
    for name in Records(store, NAME).versions:
        manifest = read_manifest(store, PROJECT, name)
        for file in manifest["files"]:
            assert store.exists(file["key"])
            assert store.exists(file["index_key"])
        if said := manifest.get("relabelled"):
            assert store.exists(said["key"])
    dataset = open_dataset(store, PROJECT, str(current_version(store, PROJECT)))
    assert len(dataset.index()) == sum(1 for _ in dataset.recordings())


@pytest.fixture(scope="module")
def aftermath(shared_store: Store) -> dict[str, Any]:
    """A life out of which the machine was forgotten by the ingest DAG's own steps."""
    store = shared_store
    life = live(store)
    reference = store.get(layout.candidate(NAME, "run-1") + "reference.npz")
    before = leftovers(store, layout.project(NAME), life["mine"])
    request = asked(store)
    waiting = outstanding_inputs(store, NAME)
    report = carry_out_all(store, PROJECT)[request]
    return life | {
        "store": store,
        "before": before,
        "waiting": waiting,
        "reference": reference,
        "request": request,
        "report": report,
    }


def test_nothing_is_left_of_it(aftermath: dict[str, Any]) -> None:
    store = aftermath["store"]
    assert len(aftermath["before"]) > 30, "the search finds what is there"
    assert leftovers(store, layout.project(NAME), aftermath["mine"]) == []
    assert aftermath["request"] in aftermath["waiting"]
    assert list(store.objects(layout.requests(NAME))) == []
    assert outstanding_requests(store, NAME) == []
    kept = store.get_json(layout.report(NAME, "forget", aftermath["request"]) + "report.json")
    assert kept["recordings"] == len(aftermath["mine"])


def test_everything_of_the_others_is_there(aftermath: dict[str, Any]) -> None:
    store, report, versions = (aftermath[name] for name in ("store", "report", "versions"))
    whole(store)
    new = open_dataset(store, PROJECT, str(current_version(store, PROJECT)))
    assert (new.version, new.manifest["parent"]) == (report["current"], versions[-1])
    left = {one.recording_id: one for one in aftermath["good"] if one.machine_id != TEST_MACHINE}
    back = {one.recording_id: one for one in new.recordings()}
    assert back.keys() == left.keys()
    assert all(back[name].fingerprint() == left[name].fingerprint() for name in left)
    assert back[f"b0-{OTHER}-ball"].label == "normal"
    assert TEST_MACHINE not in new.manifest["split"]["groups"]
    parts = read_manifest(store, PROJECT, versions[0])["split"]["groups"]
    assert new.manifest["split"]["groups"].items() <= parts.items()
    assert outstanding_dataset(store, PROJECT) == new.version
    assert [one.device for one in read_frames(store, NAME)] == ["d4"]
    assert store.exists(layout.report(NAME, "verdict", "v4") + "verdict.json")
    kept = store.get_json(layout.report(NAME, "labelled", "run-1") + "x.json")["recordings"]
    assert len(kept) == 44


def test_the_report_says_what_learnt_from_it(aftermath: dict[str, Any]) -> None:
    report = aftermath["report"]
    assert report["versions"][-1] == aftermath["versions"][-1]
    assert (report["candidates"], report["releases"]) == (["run-1", "run-2"], ["run-1"])
    assert report["running"] == {"d0": "run-1"}
    assert report["unreadable"] == []
    assert any("signed images of run-1" in line for line in report["remains"])
    again = carry_out(aftermath["store"], PROJECT, aftermath["request"])
    assert again == {"uri": report["uri"]}


def test_older_versions_stay_explainable(aftermath: dict[str, Any]) -> None:
    store = aftermath["store"]
    told = history(store, PROJECT)["versions"]
    assert {one["version"] for one in told} >= set(aftermath["versions"])
    assert [one["forgotten"] for one in told] == [0, *[8] * (len(told) - 2), 4]
    root = trace(find([Records(store, NAME)], "run-1"))
    (candidate_node,) = [one for one in root.children if one.kind == "candidate"]
    assert candidate_node.facts["forgotten"] == 1
    (dataset_node,) = candidate_node.children
    assert dataset_node.facts["forgotten"] == 8
    assert TEST_MACHINE not in json.dumps(root.to_dict())
    machine = trace(find([Records(store, NAME)], OTHER))
    assert "run-1" in machine.names("candidate")


def test_models_are_marked_and_cannot_be_released_again(aftermath: dict[str, Any]) -> None:
    store, request = aftermath["store"], aftermath["request"]
    for run in ("run-1", "run-2"):
        manifest = store.get_json(layout.candidate_manifest(NAME, run))
        assert [mark["request"] for mark in manifest["forgotten"]] == [request]
        with pytest.raises(ConversionError, match="self-test"):
            read_candidate(store, NAME, run)
        card = store.get(layout.candidate(NAME, run) + "card.md").decode()
        assert f"## Forgotten ({request})" in card
        assert store.get(layout.candidate(NAME, run) + layout.MODEL) == b"the weights"
    refused = receipts.read(store, NAME, "release", "run-2")
    assert refused is not None
    assert (refused.status, "train again" in refused.reason) == ("refused", True)
    old = np.load(io.BytesIO(aftermath["reference"]))
    new = np.load(io.BytesIO(store.get(layout.candidate(NAME, "run-1") + "reference.npz")))
    mask = old["groups"] != TEST_MACHINE
    assert all(np.array_equal(new[name], old[name][mask]) for name in old.files)


def test_it_may_not_come_back_and_what_waited_goes_on(aftermath: dict[str, Any]) -> None:
    """The last one that looks at the shared bucket: it takes more in."""
    store = aftermath["store"]
    answer = ingest_batch(store, PROJECT, "b2")
    assert (answer["status"], answer["accepted"]) == ("accepted", 4)
    (waiting,) = outstanding_labels(store, PROJECT)
    outcome = apply_labels(store, PROJECT, waiting)
    assert (outcome["status"], outcome["accepted"]) == ("applied", 1)
    dataset = open_dataset(store, PROJECT, outcome["dataset"])
    words = label_history(store, dataset, f"b1-{OTHER}-ball")
    assert [word["label"] for word in words] == ["ball", "inner_race"]
    assert forgotten_among(store, NAME, ["m0", TEST_MACHINE]) == {TEST_MACHINE}
    again = fleet("b8", range(3, 5))
    publish_batch(store, PROJECT, "b8", again)
    answer = ingest_batch(store, PROJECT, "b8")
    assert (answer["status"], answer["accepted"]) == ("accepted", 4)
    assert store.get_json(layout.batch_ready(NAME, "b8"))["forgotten"] == 4
    broken = [_bad(one) for one in fleet("b9", range(3, 4))]
    publish_batch(store, PROJECT, "b9", broken)
    answer = ingest_batch(store, PROJECT, "b9")
    assert (answer["status"], answer["refused"]) == ("quarantined", 0)
    assert "forgotten" in answer["reason"]
    mine = [*aftermath["mine"], *of(TEST_MACHINE, [*again, *broken])]
    assert leftovers(store, layout.project(NAME), mine) == []


@pytest.fixture
def small(store: Store) -> list[Recording]:
    """Three machines and a released model."""
    sent = three_machines("b0")
    version = take_in(store, "b0", sent)
    candidate(store, "run-1", version)
    release(store, "run-1", version)
    gateway(store, "line-3", {"spare": "run-1"})
    return sent


def test_a_machine_that_was_not_tested_leaves_self_tests_alone(
    store: Store, small: list[Recording]
) -> None:
    carry_out(store, PROJECT, asked(store, TRAIN_MACHINE))
    assert len(read_candidate(store, NAME, "run-1").golden) == 8
    assert store.exists(layout.release(NAME, "run-1") + layout.image_name("virtual"))
    assert leftovers(store, layout.project(NAME), of(TRAIN_MACHINE, small)) == []


def test_a_split_that_it_breaks_is_named_until_a_batch_mends_it(
    store: Store, small: list[Recording]
) -> None:
    report = carry_out(store, PROJECT, asked(store))
    assert "part test is empty" in report["unfit"]
    assert outstanding_dataset(store, PROJECT) is None
    version = take_in(store, "b1", fleet("b1", range(4, 6)))
    assert outstanding_dataset(store, PROJECT) == version


def test_the_last_machine_goes_too(store: Store) -> None:
    take_in(store, "b0", three_machines("b0"))
    for machine in (TRAIN_MACHINE, "m1", TEST_MACHINE):
        asked(store, machine)
    carry_out_all(store, PROJECT)
    version = str(current_version(store, PROJECT))
    assert open_dataset(store, PROJECT, version).index() == []
    assert outstanding_dataset(store, PROJECT) is None
    assert list(store.objects(layout.dataset_files(NAME))) == []


def test_signed_images_go_once_nothing_needs_them(store: Store, small: list[Recording]) -> None:
    path = f"{NAME}/run-1/virtual/image.bin"
    manifest = store.get_json(layout.release_manifest(NAME, "run-1"))
    image = {"path": path, "sha256": "ab" * 32}
    store.put_json(
        layout.release_manifest(NAME, "run-1"), manifest | {"targets": {"v": {"images": [image]}}}
    )
    key = layout.tuf_target(f"{NAME}/run-1/virtual/{'ab' * 32}.image.bin")
    store.put(key, b"signed")
    # What ingest has yet to read stays as it was sent: under another name it would come in.
    waiting = {"originals": [], "said": {"machine": TEST_MACHINE}}
    store.put_json(layout.batch_ready(NAME, "waiting"), waiting)
    carry_out(store, PROJECT, asked(store))
    assert store.get_json(layout.batch_ready(NAME, "waiting")) == waiting
    assert withdraw_images(store, NAME) == {"withdrawn": [], "waiting": ["run-1"]}
    store.put_json(layout.pointer(NAME, "release"), {"version": "run-9"})
    assert withdraw_images(store, NAME)["waiting"] == ["run-1"]
    gateway(store, "line-3", {"spare": "run-9"})
    assert withdraw_images(store, NAME) == {"withdrawn": ["run-1"], "waiting": []}
    assert not store.exists(key)
    assert withdraw_images(store, NAME) == {"withdrawn": [], "waiting": []}


class PowerCut(BaseException):
    """Not an error that anything may catch."""


class CutStore(Store):
    """The real store, dying once before the first change of every n-th object that it changes."""

    def __init__(self, store: Store, every: int) -> None:
        super().__init__(store.client, store.bucket)
        self.every = every
        self.seen: list[str] = []

    def _cut(self, key: str) -> None:
        if key not in self.seen:
            self.seen.append(key)
            if len(self.seen) % self.every == 0:
                raise PowerCut

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        self._cut(key)
        return super().put(key, data, content_type)

    def upload(self, path: Path, key: str) -> str:
        self._cut(key)
        return super().upload(path, key)

    def delete(self, key: str) -> None:
        self._cut(key)
        super().delete(key)


def cut_off(store: Store, every: int, mine: list[Recording]) -> int:
    """Carry a request out by a store that dies now and then; how often it died."""
    request = asked(store)
    cut = CutStore(store, every)
    for died in range(1000):
        try:
            carry_out(cut, PROJECT, request)
        except PowerCut:
            whole(store)
            continue
        assert leftovers(store, layout.project(NAME), mine) == []
        assert list(store.objects(layout.requests(NAME))) == []
        return died
    raise AssertionError("it does not get on")


def test_cut_off_now_and_then(store: Store, small: list[Recording]) -> None:
    assert cut_off(store, 6, of(TEST_MACHINE, small)) > 2
    (version,) = [one for one in history(store, PROJECT)["versions"] if not one["forgotten"]]
    assert version["version"] == current_version(store, PROJECT)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_cut_off_before_each_change(store: Store) -> None:
    assert cut_off(store, 1, live(store)["mine"]) > 40


def test_the_command(store: Store, small: list[Recording]) -> None:
    words = ["forget", TEST_MACHINE, "-p", NAME, "--json"]
    shown = CliRunner().invoke(data_app, [*words, "--dry-run"])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert (told["applied"], told["running"]) == (False, {"spare": "run-1"})
    assert told["tested"] == ["run-1"]
    assert list(store.objects(layout.forgotten(NAME))) == []
    done = CliRunner().invoke(data_app, words)
    assert isinstance(done.exception, UpkeepError)
    assert "--yes" in str(done.exception)
    done = CliRunner().invoke(data_app, words[:-1], input="n\n")
    assert isinstance(done.exception, TinyOpsError)
    assert outstanding_requests(store, NAME) == []
    done = CliRunner().invoke(data_app, [*words, "--yes"])
    told = json.loads(done.stdout)
    assert (told["state"], [told["request"]]) == ("asked", outstanding_requests(store, NAME))
    done = CliRunner().invoke(data_app, [*words, "--yes", "--here"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["request"] == told["request"]
    assert leftovers(store, layout.project(NAME), of(TEST_MACHINE, small)) == []
