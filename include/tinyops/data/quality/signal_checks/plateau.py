"""Saturation below full scale: a pile of samples at the recording's own extremes.

An amplifier or a converter before ours may clip where our full scale is far away.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FEWEST_LEVELS = 16
"""Different values near an extreme and in all: coarser signals have no shape to judge."""

PILE = 4.0
"""Times as many samples at the extreme as at the levels beside it. A sine that a converter with 256
levels has seen has 2.4 times as many."""


def plateau_share(signal: npt.NDArray[np.float32]) -> float:
    """Share of the samples of [channels, samples] that lie in such a pile, of the worst channel."""
    return max((_share(row) for row in signal), default=0.0)


def _share(row: npt.NDArray[np.float32]) -> float:
    if row.size < FEWEST_LEVELS:
        return 0.0
    low, high = float(row.min()), float(row.max())
    if not high > low:
        return 0.0  # a constant channel is a matter of flat lines
    piles = [_pile(row, high, (high - low) / 2), _pile(-row, -low, (high - low) / 2)]
    return sum(piles) / row.size


def _pile(row: npt.NDArray[np.float32], top: float, half: float) -> int:
    # Most signals have one sample at their maximum: then there is no more to do.
    at_top = int(np.count_nonzero(row >= np.float32(top)))
    if at_top < 3:
        return 0
    values, counts = np.unique(row[row > top - half], return_counts=True)
    if len(values) < FEWEST_LEVELS:
        return 0
    beside = counts[-6:-1].mean()
    return at_top if at_top >= PILE * beside else 0
