"""The spectrum of a recording: a few windows spread over it, so that length costs nothing."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

WINDOW, MOST_WINDOWS = 1024, 8

Floats = npt.NDArray[np.float64]


def centroid_hz(signal: npt.NDArray[np.float32], rate_hz: float) -> float:
    """Mean frequency of the power of [channels, samples], each channel counting alike; nan where
    nothing moves."""
    power = _power(signal)
    total = power.sum(axis=1)
    if not (total > 0).any() or not rate_hz > 0:
        return float("nan")
    share = (power[total > 0] / total[total > 0, None]).mean(axis=0)
    frequency = np.linspace(0.0, rate_hz / 2, len(share))
    return float(share @ frequency)


def fine_power(signal: npt.NDArray[np.float32], every: int = 1, most: int = 1 << 15) -> Floats:
    """Power [bins] of the first samples, up to `most` means of `every` neighbours, each channel
    counting alike.

    One Hann window as long as possible: lines stand out by as much as it is long.
    """
    size = min(signal.shape[1] // every, most)
    cut = signal[:, : size * every : every].astype(np.float64)
    for offset in range(1, every):
        cut += signal[:, offset : size * every : every]
    cut -= cut.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(cut * _hann(size), axis=1)) ** 2
    total = power.sum(axis=1, keepdims=True)
    return np.asarray((power / np.where(total > 0, total, 1.0)).sum(axis=0))


def _power(signal: npt.NDArray[np.float32]) -> Floats:
    """Mean power [channels, bins] over the windows."""
    size = min(WINDOW, signal.shape[1])
    count = max(1, min(MOST_WINDOWS, signal.shape[1] // size))
    starts = np.linspace(0, signal.shape[1] - size, count).astype(int)
    cut = np.stack([signal[:, start : start + size] for start in starts], axis=1)
    cut = cut - cut.mean(axis=2, keepdims=True)
    power: Floats = np.abs(np.fft.rfft(cut * _hann(size), axis=2)) ** 2
    return power.mean(axis=1)


@lru_cache(maxsize=8)
def _hann(size: int) -> Floats:
    return np.hanning(size)
