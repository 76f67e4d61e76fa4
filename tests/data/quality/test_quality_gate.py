"""The gate: each defect is found, named and charged to its own recording alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.support.data.recording_maker import PROJECT, recording
from tinyops.data.datasets.index import index_rows
from tinyops.data.quality.columns import COLUMNS
from tinyops.data.quality.comparison.compare import COMPARED, compare
from tinyops.data.quality.decide import decide
from tinyops.data.quality.gate import check
from tinyops.data.quality.measure import summarise
from tinyops.data.quality.result import GateResult
from tinyops.data.quality.signal_checks.gaps import flat_samples
from tinyops.data.quality.validation import GateError
from tinyops.data.recordings import Recording
from tinyops.data.recordings.parquet import BadRow
from tinyops.projects import load_project
from tinyops.projects.schema import Split

NOISE = recording("noise").signal
ZERO_LEVEL = NOISE.copy()
ZERO_LEVEL[:] = 0

DEFECTS: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"recording_id": ""}, "recording_id"),
    "odd id": ({"recording_id": "a/../b"}, "recording_id"),
    "odd machine": ({"machine_id": "m 1"}, "machine_id"),
    "odd device": ({"device_id": "é"}, "device_id"),
    "other sensor": ({"sensor": "imu"}, "sensor"),
    "other channel": ({"channels": ("axial",)}, "channels"),
    "more channels": (
        {"channels": ("radial", "axial"), "signal": np.vstack([NOISE, NOISE[:, ::-1]])},
        "channels",
    ),
    "other unit": ({"unit": "g"}, "unit"),
    "rate 2 % off": ({"rate_hz": 20400.0}, "rate_hz"),
    "rate is nan": ({"rate_hz": float("nan")}, "rate_hz"),
    "rate is infinite": ({"rate_hz": float("inf")}, "rate_hz"),
    "no label": ({"label": None}, "label"),
    "unknown label": ({"label": "cage"}, "label"),
    "shorter than a window": ({"signal": NOISE[:, :63]}, "windows"),
    "no samples": ({"signal": NOISE[:, :0]}, "windows"),
    "nan": ({"signal": np.where(np.arange(256) == 7, np.nan, NOISE).astype("f4")}, "finite_share"),
    "infinity": ({"signal": np.where(np.arange(256) == 7, np.inf, NOISE).astype("f4")}, "finite"),
    "flat for a window": (
        {"signal": np.where(np.arange(256) < 64, 1.5, NOISE).astype("f4")},
        "flat_windows",
    ),
    "silent": ({"signal": ZERO_LEVEL}, "rms_share"),
    "clipped": (
        {"signal": np.where(np.arange(256) % 60 == 0, 500, NOISE).astype("f4")},
        "clipped_share",
    ),
    "wrong scale": ({"signal": NOISE * 100}, "rms_share"),
    "offset": ({"signal": NOISE * np.float32(0.1) + np.float32(480)}, "dc_share"),
    "huge": ({"signal": NOISE * np.float32(1e36)}, "rms_share"),
    "from the future": ({"recorded_at": datetime.now(UTC) + timedelta(days=1)}, "age_days"),
    "clock not set": ({"recorded_at": datetime(1970, 1, 1, tzinfo=UTC)}, "age_days"),
}


@pytest.fixture(scope="module")
def flawed() -> GateResult:
    """One good recording first and last, every defect between."""
    made: list[Recording] = [
        recording(f"bad{number}", **({"signal": recording(f"s{number}").signal} | changes))
        for number, (changes, _) in enumerate(DEFECTS.values())
    ]
    return check([recording("good1"), *made, recording("good2")], PROJECT)


@pytest.mark.parametrize("defect", DEFECTS)
def test_defect_is_named(flawed: GateResult, defect: str) -> None:
    row = 1 + list(DEFECTS).index(defect)
    (refusal,) = [refusal for refusal in flawed.refusals if refusal.row == row]
    assert any(reason.startswith(DEFECTS[defect][1]) for reason in refusal.reasons)
    assert len(refusal.fixes) == len(refusal.reasons)
    assert all(refusal.fixes)


def test_good_recordings_go_on(flawed: GateResult) -> None:
    assert flawed.refused_rows == set(range(1, len(DEFECTS) + 1))
    assert flawed.accepted == 2
    assert flawed.reason == ""
    assert flawed.summary()["expectations"] >= 12
    assert list(flawed.table.columns) == [*COLUMNS, *COMPARED]


def test_edges_are_good() -> None:
    made = [
        recording("slow", rate_hz=20000 * 0.9901),
        recording("fast", rate_hz=20000 * 1.0099),
        recording("one-window", signal=NOISE[:, :64]),
        recording("now", recorded_at=datetime.now(UTC)),
    ]
    assert check(made, PROJECT).refusals == ()


def test_duplicates_inside_a_batch() -> None:
    made = [recording("a"), recording("b", signal=recording("a").signal), recording("c")]
    (refusal,) = check(made, PROJECT).refusals
    assert refusal.recording_id == "b"
    assert "duplicate_of is 'a'" in refusal.reasons[0]


def test_two_recordings_of_one_name_are_both_refused() -> None:
    made = [recording("a"), recording("a", signal=NOISE), recording("c")]
    assert [refusal.row for refusal in check(made, PROJECT).refusals] == [0, 1]


def test_duplicates_of_the_dataset() -> None:
    known = index_rows(summarise([recording("a"), recording("b", signal=NOISE)], PROJECT))
    made = [recording("a"), recording("b"), recording("x", signal=recording("a").signal)]
    result = check(made, PROJECT, known)
    assert [refusal.recording_id for refusal in result.refusals] == ["a", "b", "x"]
    assert "no recording is good" in result.reason


def test_bad_rows_have_one_reason() -> None:
    result = check([BadRow(0, "", "signal is null"), recording("good")], PROJECT)
    (refusal,) = result.refusals
    assert refusal.reasons == ("signal is null",)


def test_nothing_but_bad_rows() -> None:
    result = check([BadRow(0, "", "signal is null"), BadRow(1, "r", "unit is null")], PROJECT)
    assert result.accepted == 0
    assert "signal is null" in result.reason


def test_an_empty_batch_is_refused() -> None:
    result = check([], PROJECT)
    assert "at least one recording" in result.reason
    assert result.accepted == 0


def test_split_by_condition_needs_the_condition() -> None:
    project = PROJECT.model_copy(update={"split": Split(group_by="condition:load")})
    made = [recording("a", conditions={"load": "1"}), recording("b"), recording("c")]
    refused = check(made, project).refusals
    assert [refusal.recording_id for refusal in refused] == ["b", "c"]
    assert "condition:load" in refused[0].reasons[0]


def test_several_channels_have_their_own_scale() -> None:
    project = load_project("exercise_watch")
    signal = np.random.default_rng(1).normal(0, 0.2, (6, 300)).astype(np.float32)
    signal[5] *= 50
    signal[0] += 1  # gravity
    made = recording(
        sensor="imu",
        channels=tuple(project.signal.channels),
        unit=project.signal.unit,
        rate_hz=50.0,
        label="PEN",
        signal=signal,
    )
    table = summarise([made], project)
    assert table["rms_share"][0] == pytest.approx(10 / 34.9, rel=0.1)
    assert check([made], project).refusals == ()
    # The same numbers with two channels swapped are beyond the accelerometer's scale.
    swapped = recording(**{**vars(made), "recording_id": "r2", "signal": signal[::-1].copy()})
    assert check([swapped], project).refusals


def test_a_table_that_does_not_fit_is_no_verdict() -> None:
    table = summarise([recording()], PROJECT).drop(columns="unit")
    with pytest.raises(GateError, match="unit"):
        decide(compare(table, PROJECT), PROJECT)


@pytest.mark.parametrize(
    ("values", "run"), [([], 0), ([1], 1), ([1, 1, 2], 2), ([1, 2, 2, 2], 3), ([0, 1, 0], 1)]
)
def test_flat_samples(values: list[float], run: int) -> None:
    assert flat_samples(np.array([values], np.float32)) == run
