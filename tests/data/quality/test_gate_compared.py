"""What only other recordings show: the batch's own and those of the version before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.support.data.recording_maker import PROJECT, START, recording
from tinyops.data.datasets.index import IndexRow, index_rows
from tinyops.data.quality.comparison.clock import Capture, clock_ratios
from tinyops.data.quality.gate import check
from tinyops.data.quality.measure import summarise
from tinyops.data.quality.result import GateResult
from tinyops.data.recordings import Recording
from tinyops.projects import Project, Signal
from tinyops.projects.gate_section import Gate, Limits
from tinyops.projects.split_section import Split

RNG = np.random.default_rng(3)
AXES: Project = PROJECT.model_copy(
    update={
        "signal": Signal(
            channels=["x", "y", "z"],
            unit="g",
            rate_hz=1000,
            window=64,
            hop=64,
            full_scale=[64.0, 64.0, 64.0],
        ),
        "labels": ["normal", "ball"],
        "split": Split(group_by="recording", salt="1"),
    }
)
SPREAD = np.array([[0.1], [0.2], [0.4]])
GRAVITY = np.array([[0.0], [0.1], [1.0]])


def axes(name: str, label: str = "normal", number: int = 0, **changes: Any) -> Recording:
    """Three axes of machine m0 under gravity, two seconds, every minute."""
    signal = (GRAVITY + SPREAD * RNG.normal(0, 1, (3, 2000))).astype(np.float32)
    fields: dict[str, Any] = {
        "recorded_at": START + timedelta(minutes=number),
        "rate_hz": 1000.0,
        "channels": ("x", "y", "z"),
        "unit": "g",
        "signal": signal,
        "label": label,
    }
    return recording(name, **fields | changes)


def before() -> Iterator[Recording]:
    for number in range(24):
        yield axes(f"before{number}", ("normal", "ball")[number % 2], number)


KNOWN: list[IndexRow] = index_rows(summarise(before(), AXES))


def reasons(result: GateResult) -> dict[str, Sequence[str]]:
    return {one.recording_id: one.reasons for one in result.refusals}


def changed(name: str, number: int, change: Any) -> Recording:
    made = axes(name, "normal", number)
    return axes(name, "normal", number, signal=change(made.signal).astype(np.float32))


@pytest.fixture(scope="module")
def flawed() -> GateResult:
    copy = axes("original", number=50)
    made = [
        axes("good", number=40),
        copy,
        changed("g-not-ms2", 41, lambda s: s * 9.81),
        changed("counts", 42, lambda s: s / 1000),
        changed("dead", 43, lambda s: s * [[1], [0.001], [1]] + [[0], [0.1], [0]]),
        changed("swapped", 44, lambda s: s[[2, 1, 0]]),
        axes("copy", number=45, signal=(copy.signal[:, 50:] * np.float32(1.02))),
        changed("loud", 46, lambda s: GRAVITY + (s - GRAVITY) * 12),
        axes("stranger", number=47, machine_id="m9"),
        axes("short", number=48, conditions={"duration_s": "4.0"}),
        axes("shaky", number=49, conditions={"jitter": "0.6"}),
        axes("ball", "ball", number=51),
    ]
    return check(made, AXES, KNOWN)


EXPECTED = {
    "g-not-ms2": "unit_slip is '9.80665 times too high'",
    "counts": "unit_slip is '1000 times too low'",
    "dead": "dead_channel is 'y'",
    "swapped": "swapped is 'z,y,x'",
    "copy": "near_duplicate_of is 'original'",
    "short": "clock_rate is 0.5",
    "shaky": "jitter is 0.6",
}


def test_each_defect_is_charged_to_its_recording(flawed: GateResult) -> None:
    found = reasons(flawed)
    assert found.keys() == EXPECTED.keys()
    for name, said in EXPECTED.items():
        assert any(reason.startswith(said) for reason in found[name]), found[name]


def test_warnings_go_on_and_are_counted(flawed: GateResult) -> None:
    found = {one.recording_id: one.reasons for one in flawed.warnings}
    assert found.keys() == {"loud", "stranger"}
    assert found["loud"][0].startswith("energy is ")
    assert found["stranger"][0].startswith("new_machine is 'm9'")
    assert flawed.counts == {"classes_as_before": 1, "energy": 1, "known_machine": 1}
    assert flawed.accepted == 5
    assert "normal: 80% after 50%" in flawed.remarks[0]
    assert flawed.summary()["warned"] == 2


def test_what_was_always_so_is_no_defect() -> None:
    assert check(before(), AXES).refusals == ()
    again = check(
        [axes(f"new{n}", ("normal", "ball")[n % 2], 60 + n) for n in range(16)], AXES, KNOWN
    )
    assert (again.refusals, again.warnings, again.remarks) == ((), (), ())


def test_a_whole_batch_that_is_different_is_told() -> None:
    made = [
        axes(
            f"new{number}",
            ("normal", "ball")[number % 2],
            60 + number,
            signal=np.cumsum(axes("x").signal * 0.2, axis=1).astype(np.float32),
        )
        for number in range(16)
    ]
    loose = Gate(severity={"unit_slip": "warn", "swapped_channels": "warn"}, limits=Limits(dc=1.0))
    result = check(made, AXES.model_copy(update={"gate": loose}), KNOWN)
    said = " ".join(result.remarks)
    assert "level_as_before" in result.counts
    assert "spectrum_as_before" in result.counts
    assert "class ball: 0." in said
    assert "machine m0" in said


def test_rare_classes_are_told() -> None:
    made = [axes(f"n{number}", number=number) for number in range(21)]
    result = check([*made, axes("b", "ball", 30)], AXES)
    assert result.counts == {"class_balance": 1, "class_coverage": 1}
    assert any("(21 of normal, 1 of ball)" in remark for remark in result.remarks)
    assert result.accepted == 22


def test_severities_and_limits_are_the_projects() -> None:
    made = [axes("good"), changed("dead", 1, lambda s: s * [[1], [0.0001], [1]])]

    def accepted(**gate: Any) -> tuple[int, int]:
        result = check(made, AXES.model_copy(update={"gate": Gate(**gate)}), KNOWN)
        return result.accepted, len(result.warnings)

    assert accepted() == (1, 0)
    assert accepted(severity={"dead_channel": "warn"}) == (2, 1)
    assert accepted(severity={"dead_channel": "refuse"}) == (0, 0)
    assert accepted(limits=Limits(dead=1e-5)) == (2, 0)


def test_starts_that_leave_too_little_time_tell_the_rate() -> None:
    def seamless(step: float) -> list[Capture]:
        return [Capture("d", START + timedelta(seconds=step * n), 2.0) for n in range(6)]

    assert clock_ratios(seamless(0.5)) == pytest.approx([4.0] * 6)
    assert np.isnan(clock_ratios(seamless(60))).all()
    assert np.isnan(clock_ratios(seamless(0.5)[:3])).all()
    made = [
        axes(f"r{n}", number=0, recorded_at=START + timedelta(seconds=0.5 * n)) for n in range(6)
    ]
    result = check(made, AXES)
    assert len(result.refusals) == 6
    assert result.refusals[0].reasons[0].startswith("clock_rate is 4, expected 1 within 5 %")


def test_overlaps_are_told() -> None:
    made = [axes("a"), axes("b", recorded_at=START + timedelta(seconds=1)), axes("c", number=5)]
    result = check(made, AXES)
    assert result.counts == {"overlap": 1, "class_coverage": 1}
    assert "overlapping in time" in result.warnings[0].reasons[0]
