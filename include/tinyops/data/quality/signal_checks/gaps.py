"""Stretches without measurement: values that stand still, are zero, or lie on a straight line."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

SHORTEST = 8
"""Samples: less cannot be told from chance in any signal."""

ODDS = -6.0
"""Decades: a recording's own repetitions explain a stretch unless it is rarer than this."""

_ROUNDING = 4e-7
"""Of the largest value: float32 leaves this much in the second difference of a straight line."""


def longest_run(same: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """(start, length) of the longest stretch of True."""
    if not same.any():
        return 0, 0
    edges = np.flatnonzero(np.diff(same, prepend=False, append=False))
    lengths = edges[1::2] - edges[::2]
    longest = int(lengths.argmax())
    return int(edges[2 * longest]), int(lengths[longest])


def flat_samples(signal: npt.NDArray[np.float32]) -> int:
    """Samples in the longest constant stretch of any channel of [channels, samples]."""
    if signal.shape[1] == 0:
        return 0
    return max(longest_run(row[1:] == row[:-1])[1] + 1 for row in signal)


def gap_samples(signal: npt.NDArray[np.float32]) -> int:
    """Samples in the longest stretch in which every channel stands still or follows a straight
    line, where the rest of the recording makes such a stretch unlikely; else 0.

    Coarse sensors repeat values by themselves: with the share p of such steps in the rest, a run of
    n among N samples has odds of about N p^n.
    """
    if signal.shape[1] < 2 * SHORTEST:
        return 0
    steps = np.diff(signal, axis=1)
    slack = np.float32(_ROUNDING) * np.abs(signal).max()
    straight = (np.abs(np.diff(steps, axis=1)) <= slack).all(axis=0)
    _, run = longest_run(straight)
    if run < SHORTEST:
        return 0
    rest = straight.size - run
    share = (int(straight.sum()) - run + 1) / (rest + 2)
    odds = math.log10(straight.size) + run * math.log10(share)
    return run + 2 if odds < ODDS else 0
