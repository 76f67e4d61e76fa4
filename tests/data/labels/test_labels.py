"""Label sets against a real S3 server: versions of the same files, history, requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.data.label_maker import labels
from tests.support.data.recording_maker import PROJECT, fleet, fleet_ingested
from tests.support.label_requests import request_labels
from tests.support.power_cut import CutStore, PowerCut
from tests.support.prepared_buckets import Prepared
from tinyops.data.datasets.dataset import DatasetError, current_version, open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.history import history
from tinyops.data.ingest.inbox import outstanding_inputs
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import UNCHANGED, apply_labels, outstanding_labels
from tinyops.data.labels.label_request import open_requests
from tinyops.data.labels.label_set import LabelSet, publish_labels
from tinyops.data.labels.labels import current_labels, label_history
from tinyops.store import Consumer, Store, layout, receipts

pytestmark = pytest.mark.slow

A, B, C = "b-m0-ball", "b-m1-ball", "b-m2-normal"


@pytest.fixture
def opened(prepared: Prepared) -> tuple[Store, dict[str, Any]]:
    """The bucket before anybody relabels, as it was, for every test."""
    return prepared(fleet_ingested)


@pytest.fixture
def store(opened: tuple[Store, dict[str, Any]]) -> Store:
    return opened[0]


@pytest.fixture
def first(opened: tuple[Store, dict[str, Any]]) -> str:
    """The version that is there before anybody relabels."""
    return str(opened[1]["dataset"])


def apply(store: Store, one: LabelSet) -> dict[str, Any]:
    publish_labels(store, PROJECT, one)
    assert outstanding_labels(store, PROJECT) == [one.id]
    told = apply_labels(store, PROJECT, one.id)
    assert outstanding_labels(store, PROJECT) == []
    return told


def label_of(store: Store, recording_id: str) -> str:
    dataset = open_dataset(store, PROJECT, str(current_version(store, PROJECT)))
    [row] = [row for row in dataset.index() if row.recording_id == recording_id]
    [recording] = dataset.recordings(only={recording_id})
    assert recording.label == row.label
    return row.label


def test_relabelling_makes_a_version_of_the_same_files(store: Store, first: str) -> None:
    before = {row.key: row.etag for row in store.objects(layout.dataset(PROJECT.name))}
    told = apply(store, labels({A: "normal", B: "ball"}))
    assert (told["status"], told["accepted"], told["refused"]) == ("applied", 2, 0)
    assert current_version(store, PROJECT) == told["dataset"] != first
    old, new = (open_dataset(store, PROJECT, one) for one in (first, told["dataset"]))
    assert new.manifest["parent"] == first
    assert new.manifest["files"] == old.manifest["files"]
    assert new.manifest["split"] == old.manifest["split"]
    assert label_of(store, A) == "normal"
    assert label_of(store, B) == "ball"
    assert new.manifest["counts"]["by_label"] == {
        "ball": 11,
        "inner_race": 12,
        "normal": 13,
        "outer_race": 12,
    }
    # The version before still reads as it did, and only labels and a manifest are new.
    assert {row.label for row in old.index() if row.recording_id == A} == {"ball"}
    after = {row.key: row.etag for row in store.objects(layout.dataset(PROJECT.name))}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 2
    assert [version["version"] for version in history(store, PROJECT)["versions"]] == [
        new.version,
        first,
    ]


def test_twice_is_once(store: Store, first: str) -> None:
    one = labels({A: "normal"})
    told = apply(store, one)
    before = {row.key: row.etag for row in store.objects(PROJECT.name)}
    publish_labels(store, PROJECT, one)
    assert apply_labels(store, PROJECT, one.id) == told
    assert {row.key: row.etag for row in store.objects(PROJECT.name)} == before


def test_what_changes_nothing_makes_no_version(store: Store, first: str) -> None:
    told = apply(store, labels({A: "ball"}))
    assert (told["status"], told["reason"], told["dataset"]) == ("unchanged", UNCHANGED, first)
    assert current_version(store, PROJECT) == first
    receipt = receipts.read(store, PROJECT.name, Consumer.LABELS, told["labels"])
    assert receipt is not None
    assert (receipt.status, receipt.reason) == ("done", UNCHANGED)


def test_the_newest_word_counts_and_all_are_kept(store: Store, first: str) -> None:
    late = labels({A: "normal"}, minutes=10, author="bob", note="bench 3")
    early = labels({A: "inner_race", C: "ball"}, source="work_order")
    apply(store, late)
    # What was said before that comes to light later supersedes nothing newer.
    apply(store, early)
    assert (label_of(store, A), label_of(store, C)) == ("normal", "ball")
    # Saying it back is a change of its own: what was trained in between must be trained again.
    back = apply(store, labels({A: "ball"}, minutes=20))
    again = apply(store, labels({A: "normal"}, minutes=30))
    assert label_of(store, A) == "normal"
    past = history(store, PROJECT)
    names = [version["version"] for version in past["versions"]]
    assert len(set(names)) == 5
    assert [version["relabelled"] for version in past["versions"]] == [2, 2, 2, 1, 0]
    assert [row["labels"] for row in past["labels"]][:2] == [late.id, early.id]
    assert {row["status"] for row in past["labels"]} == {"done"}
    assert names[:2] == [again["dataset"], back["dataset"]]
    newest = current_labels(store, PROJECT)
    assert {name: word.label for name, word in newest.items()} == {A: "normal", C: "ball"}
    told = label_history(store, open_dataset(store, PROJECT, names[0]), A)
    assert [(word["label"], word["source"], word["author"]) for word in told] == [
        ("ball", "batch", "b"),
        ("inner_race", "work_order", "ada"),
        ("normal", "operator", "bob"),
        ("ball", "operator", "ada"),
        ("normal", "operator", "ada"),
    ]
    assert [word["at"] for word in told[1:]] == sorted(word["at"] for word in told[1:])
    assert told[2]["note"] == "bench 3"


def test_audits_are_no_truth_until_they_are_adopted(store: Store, first: str) -> None:
    audit = apply(store, labels({A: "normal", B: "normal", C: "ball"}, source="audit"))
    assert (audit["status"], current_version(store, PROJECT)) == ("unchanged", first)
    assert label_of(store, A) == "ball"
    assert current_labels(store, PROJECT)[A].label == "normal"
    # A newer label supersedes an audit; the others are taken over with the set that says so.
    apply(store, labels({B: "inner_race"}, minutes=5))
    assert (label_of(store, A), label_of(store, B)) == ("ball", "inner_race")
    apply(store, labels({C: "outer_race"}, minutes=10, adopt_audits=True))
    found = [label_of(store, name) for name in (A, B, C)]
    assert found == ["normal", "inner_race", "outer_race"]


def test_a_batch_after_labels_keeps_them(store: Store, first: str) -> None:
    apply(store, labels({A: "normal"}))
    publish_batch(store, PROJECT, "c", fleet("c"))
    assert outstanding_inputs(store, PROJECT) == ["c"]
    second = ingest_batch(store, PROJECT, "c")["dataset"]
    assert label_of(store, A) == "normal"
    assert open_dataset(store, PROJECT, second).manifest["counts"]["by_label"]["ball"] == 23
    # Labels may be about any of the batches.
    apply(store, labels({"c-m0-ball": "normal", B: "normal"}))
    assert [label_of(store, name) for name in (A, B, "c-m0-ball")] == ["normal"] * 3


def test_requests_are_open_until_something_accepted_answers(store: Store, first: str) -> None:
    for minute, name in enumerate(("r1", "r2")):
        at = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
        request_labels(store, PROJECT.name, name, "concept drift", at=at)
    assert [one.id for one in open_requests(store, PROJECT)] == ["r1", "r2"]
    told = apply(store, labels({"nobody": "ball"}, request="r1"))
    assert told["status"] == "quarantined"
    assert [one.id for one in open_requests(store, PROJECT)] == ["r1", "r2"]
    told = apply(store, labels({A: "normal", "nobody": "ball"}, request="r1"))
    assert (told["status"], told["accepted"], told["refused"]) == ("applied", 1, 1)
    assert [one.id for one in open_requests(store, PROJECT)] == ["r2"]
    answer = receipts.read(store, PROJECT.name, Consumer.ANSWER, "r1")
    assert answer is not None
    assert (answer.status, answer.output) == ("done", told["dataset"])
    publish_batch(store, PROJECT, "refused", fleet(), request="r2")
    assert ingest_batch(store, PROJECT, "refused")["status"] == "quarantined"
    assert [one.id for one in open_requests(store, PROJECT)] == ["r2"]
    publish_batch(store, PROJECT, "c", fleet("c"), request="r2")
    version = ingest_batch(store, PROJECT, "c")["dataset"]
    assert open_requests(store, PROJECT) == []
    answer = receipts.read(store, PROJECT.name, Consumer.ANSWER, "r2")
    assert answer is not None
    assert (answer.status, answer.output) == ("done", version)


def test_cut_off_before_each_write(store: Store, first: str) -> None:
    one = labels({A: "normal", "nobody": "ball"}, request="r1")
    publish_labels(store, PROJECT, one)
    cut, seen = CutStore(store), []
    for _ in range(99):
        try:
            told = apply_labels(cut, PROJECT, one.id)
            break
        except PowerCut:
            seen.append(current_version(store, PROJECT))
            assert outstanding_labels(store, PROJECT) == [one.id]
    # Labels, what was accepted and refused, manifest, pointer; then answer and receipt.
    assert seen == [first] * 5 + [told["dataset"]] * 2
    assert (told["status"], told["accepted"], told["refused"]) == ("applied", 1, 1)
    assert label_of(store, A) == "normal"
    assert outstanding_labels(store, PROJECT) == []


def test_labels_that_rotted_are_not_used(store: Store, first: str) -> None:
    version = apply(store, labels({A: "normal"}))["dataset"]
    dataset = open_dataset(store, PROJECT, version)
    store.put(dataset.manifest["relabelled"]["key"], b"{}")
    with pytest.raises(DatasetError, match=version):
        dataset.index()
