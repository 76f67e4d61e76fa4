"""What one recording's samples show: each check on its defect, and on what must not be taken for
it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from tinyops.data.quality.comparison.echoes import near_duplicates
from tinyops.data.quality.signal_checks.echo import echo
from tinyops.data.quality.signal_checks.gaps import gap_samples
from tinyops.data.quality.signal_checks.levels import unit_groups
from tinyops.data.quality.signal_checks.lines import FACTORS, line_scores, shaft_hz
from tinyops.data.quality.signal_checks.plateau import plateau_share
from tinyops.data.quality.signal_checks.spectrum import centroid_hz
from tinyops.projects import load_project

RNG = np.random.default_rng(7)
NOISE = RNG.normal(0, 1, (2, 8192)).astype(np.float32)
COARSE = np.round(NOISE * 2) / 2  # a sensor with steps of half its noise repeats itself
SINE = np.sin(np.arange(20000) * 0.0123, dtype=np.float32)[None]


def with_gap(signal: np.ndarray, kind: str, length: int = 200) -> np.ndarray:
    made = signal.copy()
    cut = slice(3000, 3000 + length)
    if kind == "zero":
        made[:, cut] = 0
    elif kind == "held":
        made[:, cut] = made[:, 2999:3000]
    elif kind == "interpolated":
        made[:, cut] = np.linspace(made[:, 2999], made[:, cut.stop], length, axis=1)
    else:
        made[:, -length:] = 0
    return made


@pytest.mark.parametrize("kind", ["zero", "held", "interpolated", "tail"])
@pytest.mark.parametrize("signal", [NOISE, COARSE], ids=["fine", "coarse"])
def test_gaps(signal: np.ndarray, kind: str) -> None:
    assert gap_samples(signal) == 0
    assert 200 <= gap_samples(with_gap(signal, kind)) <= 206


def test_one_channel_that_stands_still_is_no_gap() -> None:
    made = NOISE.copy()
    made[0] = 1
    assert gap_samples(made) == 0


def test_plateau() -> None:
    assert plateau_share(NOISE) == 0
    assert plateau_share(COARSE) == 0
    assert plateau_share(SINE) == 0
    assert plateau_share(np.round(SINE * 127) / 127) == 0
    clipped = np.clip(NOISE, -1, 1)
    assert plateau_share(clipped) == pytest.approx(0.317, abs=0.03)
    assert plateau_share(np.minimum(NOISE, 1)) == pytest.approx(0.16, abs=0.03)


def test_centroid_of_white_noise_is_the_middle() -> None:
    assert centroid_hz(NOISE, 1000.0) == pytest.approx(250, rel=0.03)
    assert np.isnan(centroid_hz(np.zeros((1, 2000), np.float32), 1000.0))


@pytest.mark.parametrize(
    "copy",
    [
        lambda s: s[:, 60:],
        lambda s: s[:, :-300],
        lambda s: s * np.float32(9.81) + np.float32(3),
        lambda s: (np.round(s / np.abs(s).max() * 127) / 127).astype(np.float32),
        lambda s: s.astype(np.float16).astype(np.float32),
        lambda s: s[::-1].copy(),
    ],
    ids=["later", "shorter", "other unit", "8 bit", "half precision", "channels swapped"],
)
def test_copies_of_a_capture_share_their_echo(copy: object) -> None:
    coloured = lfilter([1], [1, -0.8], NOISE, axis=1).astype(np.float32)
    assert callable(copy)
    echoes = [echo(coloured), echo(RNG.normal(0, 1, (2, 8192)).astype(np.float32))]
    echoes.append(echo(copy(coloured)))
    assert near_duplicates(echoes, ["a", "b", "c"], 0) == [None, None, "a"]


def test_what_is_too_short_for_an_echo_is_nobodys_copy() -> None:
    assert echo(NOISE[:, :500]) == ""
    assert echo(np.ones((1, 5000), np.float32)) == ""
    assert near_duplicates(["", "", echo(NOISE)], ["a", "b", "c"], 0) == [None, None, None]


def test_shaft_speed_is_read_from_conditions() -> None:
    assert shaft_hz({"speed_rpm": "1500"}) == 25
    assert shaft_hz({"shaft_hz": "30"}) == 30
    assert shaft_hz({"rpm": "fast", "load": "1"}) is None
    assert line_scores(NOISE, 1000.0, {"load": "1"}) == []


@pytest.mark.parametrize("factor", FACTORS)
def test_lines_tell_the_rate(factor: float) -> None:
    rate = 2000.0 * factor
    time = np.arange(16384) / rate
    lines = sum(np.sin(2 * np.pi * order * 25.0 * time) / order for order in range(1, 9))
    made = (lines + RNG.normal(0, 1, time.size)).astype(np.float32)[None]
    scores = line_scores(made, 2000.0, {"shaft_hz": "25"})
    assert int(np.argmax(scores)) == FACTORS.index(factor)


def test_units_group_channels() -> None:
    assert unit_groups(load_project("exercise_watch").signal) == [[0, 1, 2], [3, 4, 5]]
    assert unit_groups(load_project("motor_health").signal) == [[0]]
