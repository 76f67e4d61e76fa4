"""What the clock says of a recording's rate: how long it took, and when the next one began."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

STEADY = 0.05
"""Spread of start-to-start times over durations, at which starts follow one another seamlessly."""

FEWEST = 3


@dataclass(frozen=True)
class Capture:
    """When a recording of a device began, and how long it is by its rate, seconds."""

    device: str
    start: datetime
    seconds: float


def stated_seconds(conditions: Mapping[str, str]) -> float | None:
    """Duration by the recorder's clock, where the condition `duration_s` has it."""
    try:
        value = float(conditions["duration_s"])
    except (KeyError, ValueError):
        return None
    return value if value > 0 else None


def overlaps(captures: Sequence[Capture]) -> list[float]:
    """For each capture how many seconds the next one of its device starts before it has ended."""
    late = [0.0] * len(captures)
    for numbers in _by_device(captures).values():
        for at, after in pairwise(numbers):
            step = (captures[after].start - captures[at].start).total_seconds()
            late[at] = max(0.0, captures[at].seconds - step)
    return late


def clock_ratios(captures: Sequence[Capture]) -> list[float]:
    """For each capture the rate by the clock over the stated rate; nan where nothing is known.

    Captures that each begin before the last has ended, by the same share every time, were recorded
    seamlessly at a higher rate than they state. Gaps between captures prove nothing.
    """
    ratios = [float("nan")] * len(captures)
    for numbers in _by_device(captures).values():
        steps = [
            (captures[after].start - captures[at].start).total_seconds() / captures[at].seconds
            if captures[at].seconds > 0
            else 0.0
            for at, after in pairwise(numbers)
        ]
        if len(steps) < FEWEST or min(steps) <= 0:
            continue
        middle = float(np.median(steps))
        if middle < 1 and np.median(np.abs(np.array(steps) - middle)) < STEADY * middle:
            for at in numbers:
                ratios[at] = 1 / middle
    return ratios


def _by_device(captures: Sequence[Capture]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for at in sorted(range(len(captures)), key=lambda at: captures[at].start):
        numbers[captures[at].device].append(at)
    return numbers
