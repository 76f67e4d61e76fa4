"""Requests for labels: one for each device, release and kind, and what closes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.frame_makers import DEVICE, VERSION, send
from tests.support.reference_maker import NAMES, count_frames, release_reference
from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.labels.label_request import LabelRequest, answered, open_requests
from tinyops.data.recordings.sources.registry import generate
from tinyops.monitoring.compaction import compact_frames
from tinyops.monitoring.judge import judge
from tinyops.monitoring.requests import ask_for_labels, close_requests
from tinyops.projects import load_project
from tinyops.store import Pointer, Store, layout

pytestmark = pytest.mark.slow

PROJECT = load_project("motor_health")


@dataclass(frozen=True)
class Labelled:
    """Windows with labels, as `training.evidence` gives them."""

    predictions: NDArray[np.str_]
    correct: NDArray[np.bool_]
    confidences: NDArray[np.uint8]

    @property
    def recording_ids(self) -> NDArray[np.str_]:
        return np.arange(len(self.correct)).astype(str)


def labelled(wrong: dict[str, float]) -> Labelled:
    """Forty windows of each class, of which so many shares are wrong."""
    names = np.repeat(NAMES, 40)
    place = np.tile(np.arange(40) / 40, len(NAMES))
    right = place >= [wrong.get(name, 0.0) for name in names]
    return Labelled(names, right, np.full(len(names), 250, np.uint8))


NO_LABELS = labelled({})


class House:
    """A store with a release, and a device that sends frames to it."""

    def __init__(self, store: Store) -> None:
        self.store, self.files, self.first = store, 0, 0
        release_reference(store, PROJECT.name)

    def turn(self, said: Labelled = NO_LABELS, **world: Any) -> list[LabelRequest]:
        """Four more frames arrive and are judged; the requests that are new."""
        self.files += 1
        send(self.store, count_frames(self.files, 4, self.first, **world), self.files)
        self.first += 4
        assert compact_frames(self.store, PROJECT)["set_aside"] == {}
        verdicts = judge(self.store, PROJECT, lambda _: said)
        self.closed = close_requests(self.store, PROJECT, verdicts)
        return ask_for_labels(self.store, PROJECT, verdicts, lambda _: said)


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


def test_without_drift_nobody_is_asked(house: House) -> None:
    assert house.turn() == []
    assert open_requests(house.store, PROJECT) == []


def test_a_data_drift_is_asked_about_once_for_each_release(house: House) -> None:
    [request] = house.turn(shift=6.0)
    assert (request.kind, request.device, request.release) == ("data drift", DEVICE, VERSION)
    assert request.about == PROJECT.monitoring.label_recordings
    assert request.recordings == ()
    assert "about 120 recordings" in request.instructions
    assert request.id in request.instructions
    assert (request.span["first_window"], request.span["last_window"]) == (0, 255)
    [written] = open_requests(house.store, PROJECT)
    assert written == request
    assert written.virtual is True

    assert house.turn(shift=6.0) == [], "the same drift of the same release"

    release_reference(house.store, PROJECT.name, "v2")
    [again] = house.turn(shift=6.0, version="v2", epoch=1_790_000_001)
    assert again.id != request.id
    assert again.release == "v2"


def test_an_answer_that_helped_leaves_nothing_open(house: House) -> None:
    [request] = house.turn(shift=6.0)
    release_reference(house.store, PROJECT.name, "v2")
    house.turn()
    assert house.closed == [], "the same release may drift again tomorrow"
    assert house.turn(version="v2", epoch=1_790_000_001) == []
    assert house.closed == [request.id]
    assert open_requests(house.store, PROJECT) == []


def test_what_was_answered_is_not_asked_again(house: House) -> None:
    [request] = house.turn(shift=6.0)
    answered(house.store, PROJECT.name, request.id, "abc", "batch new")
    assert house.turn(shift=6.0) == []


def test_a_device_that_reports_one_class_is_looked_at(house: House) -> None:
    [request] = house.turn(only=0)
    assert (request.kind, request.about) == ("look", 0)
    assert f"{DEVICE} reports only {NAMES[0]}" in request.instructions
    assert "Look at the machine, the sensor" in request.instructions
    pointer = house.store.get_json(layout.pointer(PROJECT.name, Pointer.VERDICT))
    assert pointer["devices"][DEVICE]["status"] == "unknown"

    assert house.turn(only=0) == []
    assert house.turn() == []
    assert house.closed == [request.id]


def test_a_concept_drift_asks_to_label_the_classes_again_that_are_wrong(house: House) -> None:
    seconds = 1.5 * PROJECT.signal.window / PROJECT.signal.rate_hz
    made = generate(PROJECT, 3, machines=12, seconds=seconds)
    publish_batch(house.store, PROJECT, "first", made)
    ingest_batch(house.store, PROJECT, "first")

    one, other = NAMES[0], NAMES[1]
    [request] = house.turn(labelled({one: 1.0, other: 0.9, NAMES[2]: 0.1}))

    assert request.kind == "concept drift"
    dataset = open_dataset(house.store, PROJECT, current_version(house.store, PROJECT) or "")
    wanted = {row.recording_id for row in dataset.index() if row.label in (one, other)}
    assert set(request.recordings) == wanted
    assert request.about == len(wanted)
    parts = {row.recording_id: dataset.part_of(row) for row in dataset.index()}
    trained = [parts[name] == "train" for name in request.recordings]
    assert trained == sorted(trained), "validation and test come first"
    assert " or ".join(sorted((one, other))) in request.instructions
