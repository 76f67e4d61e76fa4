"""Mean and standard deviation of each channel, and the level of channels that share a unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tinyops.projects import Signal

Floats = npt.NDArray[np.float64]


def channel_levels(signal: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """(mean, standard deviation) of each channel of float32 [channels, samples]."""
    count = signal.shape[1]
    means = signal.mean(axis=1, dtype=np.float64)
    power = np.einsum("cn,cn->c", signal, signal, dtype=np.float64) / count
    return means, np.sqrt(np.maximum(power - means**2, 0.0))


def unit_groups(signal: Signal) -> list[list[int]]:
    """Numbers of the channels that share a unit; a list of units is one for each channel."""
    units = [unit.strip() for unit in signal.unit.split(",")]
    if len(units) != len(signal.channels):
        return [list(range(len(signal.channels)))]
    return [[at for at, unit in enumerate(units) if unit == one] for one in dict.fromkeys(units)]


def unit_levels(
    means: Sequence[float], deviations: Sequence[float], groups: list[list[int]]
) -> list[float]:
    """RMS with the mean in it over the channels of each unit: turning the sensor changes nothing.

    Gravity is in it, so that an accelerometer at rest has a level too.
    """
    power = np.square(means) + np.square(deviations)
    return [float(np.sqrt(power[group].sum())) for group in groups]
