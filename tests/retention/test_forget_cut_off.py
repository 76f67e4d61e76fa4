"""Forgetting a machine of a small project: cut off, with a broken split, by the command."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tests.support.power_cut import CutStore, PowerCut
from tests.support.prepared_buckets import Prepared
from tests.support.retention.leftovers import leftovers
from tests.support.retention.long_life import asked, live, of
from tests.support.retention.project_house import (
    NAME,
    PROJECT,
    TEST_MACHINE,
    TRAIN_MACHINE,
    candidate,
    fleet,
    gateway,
    ingested,
    made_candidate,
    release,
    take_in,
    three_machines,
)
from tests.support.retention.project_whole import whole
from tinyops.cli.data import data_app
from tinyops.conversion.candidates.candidate import read_candidate, read_reference_windows
from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.ingest.history import history
from tinyops.data.ingest.inbox import outstanding_inputs
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels
from tinyops.data.ingest.upkeep import UpkeepError, outstanding_requests
from tinyops.data.recordings import Recording
from tinyops.errors import TinyOpsError
from tinyops.releases import paths
from tinyops.releases.errors import SealBroken
from tinyops.releases.keys import signing_keys
from tinyops.retention.carry_out import carry_out, carry_out_all
from tinyops.retention.withdraw import withdraw_images
from tinyops.store import Pointer, Store, edge_layout, layout
from tinyops.training.pipeline import outstanding_dataset, write_unless_gone
from tinyops.training.recipe import TrainingError

pytestmark = pytest.mark.slow


def released(store: Store) -> list[Recording]:
    """Three machines and a released model."""
    version = ingested(store)
    candidate(store, "run-1", version)
    release(store, "run-1", version)
    gateway(store, "line-3", {"spare": "run-1"})
    return three_machines("b0")


@pytest.fixture
def opened(prepared: Prepared) -> tuple[Store, list[Recording]]:
    """The released model's bucket, as it was, for every test."""
    return prepared(released)


@pytest.fixture
def store(opened: tuple[Store, list[Recording]]) -> Store:
    return opened[0]


@pytest.fixture
def small(opened: tuple[Store, list[Recording]]) -> list[Recording]:
    return opened[1]


def test_a_machine_that_was_not_tested_leaves_self_tests_alone(
    store: Store, small: list[Recording]
) -> None:
    carry_out(store, PROJECT, asked(store, TRAIN_MACHINE))
    assert len(read_candidate(store, NAME, "run-1").golden) == 8
    assert store.exists(layout.release(NAME, "run-1") + layout.image_name("virtual"))
    assert leftovers(store, layout.project(NAME), of(TRAIN_MACHINE, small)) == []
    seal = signing_keys().seal()
    assert len(read_candidate(store, NAME, "run-1", seal).golden) == 8, "may still be released"
    groups = read_reference_windows(store, NAME, "run-1", seal).groups
    assert set(groups) == {"m1", TEST_MACHINE}


@pytest.mark.parametrize("forged", [layout.CANDIDATE_MANIFEST, layout.REFERENCE_WINDOWS])
def test_a_candidate_that_was_changed_is_not_sealed_by_being_cleaned(
    store: Store, small: list[Recording], forged: str
) -> None:
    seal = signing_keys().seal()
    assert len(read_reference_windows(store, NAME, "run-1", seal).groups)
    key = layout.candidate(NAME, "run-1") + forged
    if forged == layout.CANDIDATE_MANIFEST:
        store.put_json(key, store.get_json(key) | {"temperature": 9.0})
    else:
        store.put(key, store.get(key) + b"\0")
    carry_out(store, PROJECT, asked(store, TRAIN_MACHINE))
    with pytest.raises(SealBroken):
        read_reference_windows(store, NAME, "run-1", seal)


def test_a_split_that_it_breaks_is_named_until_a_batch_mends_it(
    store: Store, small: list[Recording]
) -> None:
    report = carry_out(store, PROJECT, asked(store))
    assert "part test is empty" in report["unfit"]
    assert outstanding_dataset(store, PROJECT) is None
    version = take_in(store, "b1", fleet("b1", range(4, 6)))
    assert outstanding_dataset(store, PROJECT) == version


def test_the_last_machine_goes_too(prepared: Prepared) -> None:
    store, _ = prepared(ingested)
    for machine in (TRAIN_MACHINE, "m1", TEST_MACHINE):
        asked(store, machine)
    carry_out_all(store, PROJECT)
    version = str(current_version(store, PROJECT))
    assert open_dataset(store, PROJECT, version).index() == []
    assert outstanding_dataset(store, PROJECT) is None
    assert list(store.objects(layout.dataset_files(NAME))) == []


def test_signed_images_go_once_nothing_needs_them(store: Store, small: list[Recording]) -> None:
    path = paths.image(NAME, "run-1", "virtual")
    manifest = store.get_json(layout.release_manifest(NAME, "run-1"))
    image = {"path": path, "sha256": "ab" * 32}
    store.put_json(
        layout.release_manifest(NAME, "run-1"), manifest | {"targets": {"v": {"images": [image]}}}
    )
    key = edge_layout.tuf_target(path, "ab" * 32)
    store.put(key, b"signed")
    # What ingest has yet to read stays as it was sent: under another name it would come in.
    waiting = {"originals": [], "said": {"machine": TEST_MACHINE}}
    store.put_json(layout.batch_ready(NAME, "waiting"), waiting)
    carry_out(store, PROJECT, asked(store))
    assert store.get_json(layout.batch_ready(NAME, "waiting")) == waiting
    assert withdraw_images(store, NAME) == {"withdrawn": [], "waiting": ["run-1"]}
    store.put_json(layout.pointer(NAME, Pointer.RELEASE), {"version": "run-9"})
    assert withdraw_images(store, NAME)["waiting"] == ["run-1"]
    gateway(store, "line-3", {"spare": "run-9"})
    stable = {"version": "run-9", "stable": "run-1"}
    store.put_json(layout.pointer(NAME, Pointer.RELEASE), stable)
    assert withdraw_images(store, NAME)["waiting"] == ["run-1"]
    store.put_json(layout.pointer(NAME, Pointer.RELEASE), stable | {"stable": "run-9"})
    assert withdraw_images(store, NAME) == {"withdrawn": ["run-1"], "waiting": []}
    assert not store.exists(key)
    assert withdraw_images(store, NAME) == {"withdrawn": [], "waiting": []}


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
def test_cut_off_before_each_change(prepared: Prepared) -> None:
    store, life = prepared(live)
    assert cut_off(store, 1, life["mine"]) > 40


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


class Forgetting(Store):
    """The real store; before the first object of a kind is written, a machine is forgotten."""

    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store.client, store.bucket)
        self.name = name

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        if self.name and key.endswith(self.name):
            self.name = ""
            carry_out(self, PROJECT, asked(self))
        return super().put(key, data, content_type)


@pytest.mark.parametrize("moment", ["before", "while it is written"])
def test_a_model_of_what_went_meanwhile_is_taken_back(prepared: Prepared, moment: str) -> None:
    store, version = prepared(ingested)
    data, late = open_dataset(store, PROJECT, version), made_candidate(store, "run-2", version)
    if moment == "before":
        carry_out(store, PROJECT, asked(store))
        where = store
    else:
        where = Forgetting(store, f"run-2/{layout.MODEL}")
    with pytest.raises(TrainingError, match="removed meanwhile"):
        write_unless_gone(where, NAME, late, data)
    assert list(store.objects(layout.candidate(NAME, "run-2"))) == []


def test_what_cannot_be_read_is_named(store: Store, small: list[Recording]) -> None:
    key = layout.batch_recordings(NAME, "torn")
    store.put(key, b"PAR1 and no more")
    report = carry_out(store, PROJECT, asked(store))
    assert report["unreadable"] == [key]
    assert any("cannot be read" in line for line in report["remains"])


def test_what_was_refused_for_its_name_is_known_as_handled(
    store: Store, small: list[Recording]
) -> None:
    """Receipts know it by another name; what is in it is cleaned all the same."""
    file = layout.sent_batch(NAME, "no name") + "capture.wav"
    store.put(file, b"RIFF")
    ready = {"source": "file", "simulated": True, "said": {"machine": TEST_MACHINE}}
    store.put_json(layout.sent_ready(NAME, "no name"), ready)
    assert ingest_batch(store, PROJECT, "no name")["status"] == "quarantined"
    mine, other = (of(name, small)[0].recording_id for name in (TEST_MACHINE, TRAIN_MACHINE))
    rows = [{"recording_id": name, "label": PROJECT.labels[0]} for name in (mine, other)]
    content = {"project": NAME, "source": "operator", "author": "eve", "labels": rows}
    by_hand = layout.sent_label_set(NAME, "by hand")
    store.put_json(by_hand, content | {"at": "2026-01-01T00:00:00Z"})
    assert apply_labels(store, PROJECT, "by hand")["status"] == "quarantined"
    carry_out(store, PROJECT, asked(store))
    assert not store.exists(file)
    assert [row.key for row in store.objects(layout.label_sets(NAME))] == [by_hand]
    assert store.get_json(by_hand)["labels"] == rows[1:]
    assert outstanding_inputs(store, NAME) == []
