"""Faults seen in the wild are found by the gate: in simulated motors always, in real recordings
where they are beside the checkout. benchmarks/gate.py has all faults on all sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from benchmarks.real_recordings import project_of, recordings_of
from benchmarks.wild_faults import FAULTS, Fault, apply, clipped_at
from tests.support.checkout import SHARED
from tests.support.shared_data import shared
from tinyops.data.quality.gate import check_measured
from tinyops.data.quality.measure import measure
from tinyops.data.quality.result import GateResult
from tinyops.data.recordings import Recording
from tinyops.data.recordings.sources.registry import generate
from tinyops.projects import Project, load_project

pytestmark = pytest.mark.slow

FAULT = {fault.name: fault for fault in FAULTS}
AT_FULL_SCALE = "clipping at full scale"
ALONE = [
    "a rate that the clock contradicts",
    AT_FULL_SCALE,
    "clipping below full scale",
    "the last fifth is zero",
    "the last fifth is missing",
]


class Judged:
    """Recordings measured once, then judged with others in place of some of them."""

    def __init__(self, project: Project, recordings: Sequence[Recording]) -> None:
        self.project = project
        self.recordings = recordings
        self.entries = list(measure(recordings, project))

    def with_others(self, others: Mapping[int, Recording]) -> GateResult:
        entries = list(self.entries)
        for at, entry in zip(others, measure(others.values(), self.project), strict=True):
            entries[at] = entry
        return check_measured(entries, self.project, [], "batch")

    def faults(self) -> dict[str, Fault]:
        return FAULT | {AT_FULL_SCALE: clipped_at(self.project.signal.full_scale)}

    def mixed(self, names: Sequence[str]) -> tuple[GateResult, dict[int, str]]:
        """Every tenth recording with another of the faults."""
        placed = {at: names[at // 10 % len(names)] for at in range(0, len(self.recordings), 10)}
        faults = self.faults()
        others = {at: faults[name].make(self.recordings[at]) for at, name in placed.items()}
        return self.with_others(others), placed


def found(result: GateResult, expectations: Sequence[str]) -> set[int]:
    """Rows that one of these expectations has found."""
    return {
        int(row["row"])
        for outcome in result.validation.results
        if outcome.expectation_config.meta["name"] in expectations
        for row in outcome.result.get("unexpected_index_list") or []
    }


def all_found(judged: Judged, names: Sequence[str]) -> None:
    """All of them, each by what is there to find it, and nothing else."""
    result, placed = judged.mixed(names)
    assert result.refused_rows == set(placed)
    for at, name in placed.items():
        assert at in found(result, judged.faults()[name].expectations), (at, name)


@pytest.fixture(scope="module")
def simulated() -> Judged:
    project = load_project("motor_health")
    return Judged(project, list(generate(project, 5, machines=18, seconds=1.7)))


def test_simulated_motors(simulated: Judged) -> None:
    clean = simulated.with_others({})
    assert (clean.refusals, clean.warnings, clean.remarks) == ((), (), ())
    all_found(simulated, [*ALONE, "units 100 times off"])


@pytest.mark.parametrize(
    "name", ["a class at 4 times the stated rate", "a class at 48 kHz called 44.1 kHz"]
)
def test_a_class_of_simulated_motors_at_another_rate(simulated: Judged, name: str) -> None:
    others = apply(FAULT[name], simulated.recordings, "ball")
    result = simulated.with_others(others)
    assert found(result, ["rate_by_lines"]) == result.refused_rows == set(others)


def taken(name: str, every: int) -> Judged:
    shared(f"data/{name}")
    return Judged(project_of(name), recordings_of(name, SHARED / "data")[::every])


def test_the_48_khz_recordings_of_cwru() -> None:
    cwru = taken("cwru", 3)
    others = apply(FAULT["a class at 4 times the stated rate"], cwru.recordings, "normal")
    result = cwru.with_others(others)
    assert found(result, ["rate_by_lines"]) == result.refused_rows == set(others)
    assert "48000 Hz" in result.refusals[0].reasons[0]


@pytest.mark.parametrize(
    ("name", "every", "faults"),
    [
        ("uestc", 3, ["units 100 times off", *ALONE]),
        ("cwru", 3, ["units 100 times off", *ALONE]),
        ("subf_motor", 3, ["a dead channel", "the last fifth is zero", "units 100 times off"]),
        ("fan_esp32", 25, ["units 9.81 times off", "the last fifth is zero"]),
    ],
)
def test_real_recordings(name: str, every: int, faults: list[str]) -> None:
    real = taken(name, every)
    all_found(real, faults)


def test_exercises_of_the_watch() -> None:
    watch = Judged(project_of("seglearn"), recordings_of("seglearn", SHARED / "data"))
    assert watch.with_others({}).refusals == ()
    all_found(watch, ["units 9.81 times off", "a rate that the clock contradicts"])
