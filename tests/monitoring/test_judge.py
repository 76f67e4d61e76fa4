"""Verdicts: the rules one by one, then from frames in S3 to the pointer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.frame_makers import DEVICE, VERSION, send
from tests.support.reference_maker import NAMES, count_frames, reference, release_reference, windows
from tinyops.monitoring.compaction import compact_frames
from tinyops.monitoring.evidence import Evidence, judge_frame_set
from tinyops.monitoring.frame_set import newest_set
from tinyops.monitoring.judge import judge
from tinyops.monitoring.residuals import Residual
from tinyops.monitoring.verdict import Status, status_of
from tinyops.projects import load_project
from tinyops.sketches.frames import FrameRecord
from tinyops.store import ObjectMissing, Pointer, ReportKind, Store, layout

PROJECT = load_project("motor_health")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORSE = Residual(-4.0, 60, 30, 0.6, 0.9, 0.01, moved=True)
AS_EXPECTED = Residual(0.3, 60, 30, 0.91, 0.9, 0.01, moved=False)


def frames(seed: int, count: int = 4, **world: Any) -> list[FrameRecord]:
    return count_frames(seed, count, received_at=NOW.isoformat(), **world)


def evidence(records: list[FrameRecord]) -> Evidence:
    return judge_frame_set(reference()[1], newest_set(records, 4).counts())


def status(records: list[FrameRecord], residual: Residual | None) -> tuple[Status, str]:
    found = evidence(records) if len(records) == 4 else None
    return status_of(newest_set(records, 4), 4, found, residual, NOW)


@pytest.mark.parametrize("residual", [None, AS_EXPECTED])
def test_inputs_as_usual_are_no_drift(residual: Residual | None) -> None:
    found, reason = status(frames(1), residual)
    assert found == "none"
    assert "is not above" in reason


def test_moved_inputs_are_data_drift() -> None:
    found, reason = status(frames(1, shift=6.0), None)
    assert found == "data drift"
    assert reason.startswith("the inputs moved: ")
    assert "labelled" not in reason


def test_drift_stands_until_the_inputs_are_back_where_they_usually_are() -> None:
    usual, records = evidence(frames(1)), newest_set(frames(1), 4)
    unusual = replace(usual, statistic=usual.threshold - 1.0, p=0.01)
    assert usual.p == 1.0
    assert status_of(records, 4, unusual, None, NOW)[0] == "none"
    found, reason = status_of(records, 4, unusual, None, NOW, drifting=True)
    assert found == "data drift"
    assert reason.startswith("the inputs have not come back: T² ")
    assert status_of(records, 4, usual, None, NOW, drifting=True)[0] == "none"


def test_labels_that_moved_too_are_told_and_change_nothing() -> None:
    found, reason = status(frames(1, shift=6.0), WORSE)
    assert found == "data drift"
    assert "60 labelled windows are right in 60% where 90% was expected" in reason
    assert "labelled" not in status(frames(1, shift=6.0), AS_EXPECTED)[1]


def test_labels_that_moved_alone_are_concept_drift() -> None:
    found, reason = status(frames(1), WORSE)
    assert found == "concept drift"
    assert reason.startswith("the inputs did not move, but 60 labelled windows")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_frames_are_not_judged(count: int) -> None:
    found, reason = status(frames(1, count), WORSE)
    assert found == "unknown"
    assert reason.startswith(f"{count} of 4 frames")


def test_a_device_that_reports_one_class_only_is_asked_about() -> None:
    found, reason = status(frames(1, only=1), None)
    assert (found, reason) == ("unknown", f"reports only {NAMES[1]}; is that so?")
    assert status(frames(1, only=1, shift=6.0), None)[0] == "data drift"
    assert status(frames(1, only=1), WORSE)[0] == "concept drift"


def test_silence_comes_before_all_else() -> None:
    day_old = [
        replace(each, received_at=(NOW - timedelta(hours=25)).isoformat())
        for each in frames(1, shift=6.0)
    ]
    assert status(day_old, WORSE)[0] == "unknown"
    assert "no frames since 2026-02-28 11:00 UTC" in status(day_old, WORSE)[1]


class TestSets:
    """Which frames are judged together."""

    def test_the_newest_that_follow_one_another(self) -> None:
        found = newest_set(frames(1, 6), 4)
        assert (found.first_window, found.last_window) == (128, 383)
        assert found.counts().n == 256

    def test_a_gap_begins_anew(self) -> None:
        records = frames(1, 6)
        assert len(newest_set(records[:3] + records[4:], 4).records) == 2

    def test_a_boot_begins_anew(self) -> None:
        before, after = frames(1, 3), frames(2, 2)
        later = [replace(each, epoch=each.epoch + 9) for each in after]
        assert newest_set([*before, *later], 4).records == tuple(later)

    def test_another_reference_begins_anew(self) -> None:
        records = frames(1, 6)
        other = [replace(each, reference_tag="f" * 12) for each in records[:4]]
        assert newest_set([*other, *records[4:]], 4).records == tuple(records[4:])


@dataclass(frozen=True)
class Labelled:
    """Labelled windows, as `training.evidence` gives them."""

    confidences: NDArray[np.int64]
    correct: NDArray[np.bool_]
    predictions: NDArray[np.str_]
    recording_ids: NDArray[np.str_]


def labelled(size: int, swapped: bool) -> Labelled:
    """Single windows of other recordings; `swapped` gives half of them another meaning."""
    met = windows(77, size, 1)
    right = met.decided == met.truth
    if swapped:
        right &= np.arange(size) % 2 == 0
    names = np.array(NAMES)[met.decided]
    return Labelled(met.confidences, right, names, np.arange(size).astype(str))


class Plant:
    """A release, and devices whose frames arrive one file after the other."""

    def __init__(self, store: Store) -> None:
        self.store, self.files = store, 0
        release_reference(store, PROJECT.name)

    def receive(self, records: list[FrameRecord]) -> None:
        self.files += 1
        send(self.store, records, self.files)
        assert compact_frames(self.store, PROJECT)["set_aside"] == {}

    def pointer(self) -> dict[str, Any]:
        return dict(self.store.get_json(layout.pointer(PROJECT.name, Pointer.VERDICT))["devices"])


@pytest.fixture
def plant(store: Store) -> Plant:
    return Plant(store)


def test_devices_without_frames_have_no_verdict(plant: Plant) -> None:
    assert judge(plant.store, PROJECT) == []
    with pytest.raises(ObjectMissing, match="verdict"):
        plant.pointer()


def test_from_healthy_to_drift_and_back(plant: Plant) -> None:
    plant.receive(count_frames(1, 4))
    assert [each.status for each in judge(plant.store, PROJECT)] == ["none"]
    plant.receive(count_frames(2, 4, first=4, shift=6.0))
    [moved] = judge(plant.store, PROJECT)
    assert moved.status == "data drift"
    assert plant.pointer()[DEVICE]["id"] == moved.id
    plant.receive(count_frames(3, 4, first=8))
    assert [each.status for each in judge(plant.store, PROJECT)] == ["none"]


def test_a_verdict_has_its_evidence_in_s3(plant: Plant) -> None:
    plant.receive(count_frames(1, 4, shift=6.0))
    [verdict] = judge(plant.store, PROJECT, lambda _: labelled(60, swapped=False))
    content = plant.store.get_json(layout.verdict(PROJECT.name, verdict.id))
    made = reference()[1]
    assert content["id"] == verdict.id
    assert (content["device"], content["release"]) == (DEVICE, VERSION)
    assert content["reference_tag"] == made.tag
    assert content["watched"] == "inputs"
    assert content["statistic"] > content["threshold"] == made.inputs.threshold.value
    assert content["p"] <= content["false_alarm_rate"] == 0.001
    assert content["moved"][0].keys() == {"feature", "how", "z"}
    assert [each["psi"] > 0 for each in content["effects"]] == [True] * 3
    accuracy = content["estimated_accuracy"]
    assert 0 <= accuracy["low"] < accuracy["value"] < accuracy["high"] <= 1
    assert content["counts"]["found"]["n"] == 256
    assert content["counts"]["expected"]["n"] == made.counts.n
    assert content["residual"]["labels"] == 60
    assert content["frames"] == {
        "epoch": verdict.frames["epoch"],
        "first_window": 0,
        "last_window": 255,
        "n": 4,
    }
    assert content["virtual_seconds"] == pytest.approx(256 * 8192 / 20_000)
    assert content["virtual"] is True


def test_judging_again_changes_nothing(plant: Plant) -> None:
    plant.receive(count_frames(1, 4))
    now = datetime.now(UTC)
    [first] = judge(plant.store, PROJECT, now=now)
    pointer = plant.pointer()
    [again] = judge(plant.store, PROJECT, now=now + timedelta(minutes=5))
    assert again.id == first.id
    assert plant.pointer() == pointer
    assert len(list(plant.store.objects(layout.report(PROJECT.name, ReportKind.VERDICT)))) == 1


def test_changed_meanings_are_found_once_labels_come(plant: Plant) -> None:
    plant.receive(count_frames(1, 4))
    asked: list[str] = []

    def few(release: str) -> Labelled:
        asked.append(release)
        return labelled(10, swapped=True)

    assert [each.status for each in judge(plant.store, PROJECT)] == ["none"]
    assert [each.status for each in judge(plant.store, PROJECT, few)] == ["none"]
    assert asked == [VERSION]
    [found] = judge(plant.store, PROJECT, lambda _: labelled(100, swapped=True))
    assert found.status == "concept drift"
    assert plant.pointer()[DEVICE]["residual"]["labels"] == 100
    [same] = judge(plant.store, PROJECT, lambda _: labelled(100, swapped=False))
    assert same.status == "none"


def test_every_device_has_a_verdict_of_its_own(plant: Plant) -> None:
    plant.receive([*count_frames(1, 4), *count_frames(2, 4, shift=6.0, device="press-8")])
    plant.receive(count_frames(3, 2, device="press-9"))
    judge(plant.store, PROJECT)
    assert {name: each["status"] for name, each in plant.pointer().items()} == {
        DEVICE: "none",
        "press-8": "data drift",
        "press-9": "unknown",
    }


def test_a_release_without_reference_is_named(plant: Plant) -> None:
    plant.receive(count_frames(1, 4))
    key = layout.release(PROJECT.name, VERSION) + layout.REFERENCE
    plant.store.delete(key)
    with pytest.raises(ObjectMissing, match=VERSION):
        judge(plant.store, PROJECT)
