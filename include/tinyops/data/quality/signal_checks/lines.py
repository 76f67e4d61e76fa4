"""Lines whose frequency is known, and the sampling rate at which they would fit.

A recording made at another rate than it states has its lines elsewhere: those of a 48 kHz recording
called 12 kHz lie at a quarter of their frequency. The shaft's speed says where its lines must be.
For each rate that people confuse, this adds up how clearly lines stand at the shaft's orders, less
how clearly they stand between them: at a third of the rate the shaft's third order would look like
its first, but then there would be lines at a third and two thirds of a turn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tinyops.data.quality.signal_checks.spectrum import Floats, fine_power

FACTORS = (1.0, 1 / 4, 1 / 3, 1 / 2, 44.1 / 48, 48 / 44.1, 2.0, 3.0, 4.0)
"""True rate over stated rate; the first is the stated one."""

ORDERS = (1, 2, 3, 4)
BETWEEN = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 3 / 2, 5 / 2)

TOLERANCE = 0.015
"""Of the speed: what is stated of an induction motor leaves out some of its slip."""

MOST = 4.0
"""Decades that one line may add: one strong tone where none belongs is no proof."""

FEWEST_SAMPLES = 1024
LOBE = 2.0
"""Bins from a line's middle to its edge (Hann window): nearer places cannot be told apart."""

_HIGHEST_HZ = 4000.0
_SPEEDS = {"rpm": 1 / 60, "speed_rpm": 1 / 60, "shaft_hz": 1.0, "speed_hz": 1.0}
_MEAN_OVER_GEOMETRIC = math.exp(0.5772156649)  # of exponential noise, which a periodogram is


def shaft_hz(conditions: Mapping[str, str]) -> float | None:
    """Turns a second from `rpm`, `speed_rpm`, `shaft_hz` or `speed_hz`, where one is stated."""
    for name, factor in _SPEEDS.items():
        try:
            value = float(conditions[name]) * factor
        except (KeyError, ValueError):
            continue
        if 0.1 < value < 5000:
            return value
    return None


def line_scores(
    signal: npt.NDArray[np.float32], rate_hz: float, conditions: Mapping[str, str]
) -> list[float]:
    """For each of FACTORS how well the shaft's lines fit there, in decades of chance; [] where the
    shaft's speed is not stated or the recording is too short to tell.

    Decades are -log10 of the chance that noise like that around it is as strong somewhere within
    the line's tolerance, summed over ORDERS less BETWEEN.
    """
    shaft = shaft_hz(conditions)
    if shaft is None or signal.shape[1] < FEWEST_SAMPLES or not rate_hz > 0:
        return []
    # Shaft lines are low: averaging neighbours leaves them, and the window is the longer for it.
    every = max(1, int(rate_hz // _HIGHEST_HZ))
    power = fine_power(signal, every)
    resolution = rate_hz / every / (2 * (len(power) - 1))

    factors = np.array(FACTORS)[:, None]
    orders = np.array([*ORDERS, *BETWEEN]) * (shaft / resolution)
    found = _decades(power, orders / factors)
    net = found[:, : len(ORDERS)].sum(axis=1) - found[:, len(ORDERS) :].sum(axis=1)
    # Of few turns, 44.1 and 48 kHz put the first line in the same place: no evidence for either.
    moved = np.abs(1 / factors[:, 0] - 1) * (shaft / resolution)
    net[moved < LOBE] = net[0]
    return [float(one) for one in net]


def _decades(power: Floats, bins: Floats) -> Floats:
    """Decades of chance, shape as `bins`, that are places between the bins of `power`."""
    low = np.floor(bins * (1 - TOLERANCE)).astype(int)
    high = np.ceil(bins * (1 + TOLERANCE)).astype(int) + 1
    # Not below what the window resolves, nor beyond half the rate.
    usable = (low >= 3) & (high <= len(power))
    low, high = np.where(usable, low, 0), np.where(usable, high, 1)
    edges = np.stack([low.ravel(), high.ravel()], axis=1).ravel()
    highest = np.maximum.reduceat(np.append(power, 0.0), edges)[::2].reshape(bins.shape)
    excess = (highest / _floor(power, low) - np.log(high - low)) / math.log(10)
    return np.where(usable, np.clip(excess, 0.0, MOST), 0.0)


def _floor(power: Floats, bins: npt.NDArray[np.int64]) -> Floats:
    """Mean power of the noise around these bins: from the geometric mean over stretches that grow
    with frequency, which lines hardly move."""
    edges = _stretches(len(power))
    widths = np.diff(np.append(edges, len(power)))
    logs = np.add.reduceat(np.log(np.maximum(power, 1e-30)), edges) / widths
    smooth = np.interp(bins.ravel(), edges + (widths - 1) / 2, logs)
    return np.asarray(np.exp(smooth) * _MEAN_OVER_GEOMETRIC).reshape(bins.shape)


@lru_cache(maxsize=8)
def _stretches(bins: int) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.unique(np.geomspace(4, bins - 1, 48).astype(int))])
