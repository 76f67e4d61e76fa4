"""Energy outside what was ever seen, and what a version has shown by class and machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyops.data.datasets.index import IndexRow
from tinyops.data.quality.comparison.reference import FEWEST, Floats


def energy_factors(
    levels: Floats, machines: Sequence[str], labels: Sequence[str], first: int
) -> list[float]:
    """For each recording from `first` on how many times its level is above the highest or below
    the lowest before it; 1 within, nan where fewer than FEWEST comparable ones are known.

    Comparable is the same machine and class, else the same class.

    Parameters
    ----------
    levels
        Log10 of RMS [recordings, units].
    """
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at in range(first):
        if np.isfinite(levels[at]).all():
            members[machines[at], labels[at]].append(at)
            members["", labels[at]].append(at)
    spans = {
        key: (levels[rows].min(axis=0), levels[rows].max(axis=0))
        for key, rows in members.items()
        if len(rows) >= FEWEST
    }
    found = []
    for at in range(first, len(levels)):
        span = spans.get((machines[at], labels[at])) or spans.get(("", labels[at]))
        if span is None or not np.isfinite(levels[at]).all():
            found.append(float("nan"))
            continue
        beyond = np.maximum(span[0] - levels[at], levels[at] - span[1]).max()
        found.append(float(10 ** max(0.0, beyond)))
    return found


@dataclass(frozen=True)
class Before:
    """Medians of the version before by `class x` and `machine y`: log10 level, centroid in Hz."""

    level: dict[str, float]
    centroid: dict[str, float]


def shown_before(known: Sequence[IndexRow], levels: Floats) -> Before:
    """What a version has shown; groups of fewer than FEWEST recordings say nothing.

    Parameters
    ----------
    levels
        Mean log10 level of each recording.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(known):
        for name in group_names(row.machine_id, row.label):
            members[name].append(at)
    usable = {name: rows for name, rows in members.items() if len(rows) >= FEWEST}
    centroids = np.array([row.centroid_hz for row in known])
    return Before(
        level={name: float(np.nanmedian(levels[rows])) for name, rows in usable.items()},
        centroid={name: float(np.nanmedian(centroids[rows])) for name, rows in usable.items()},
    )


def class_shares(known: Sequence[IndexRow]) -> dict[str, float]:
    """{class: its share of a version's recordings}."""
    labels = [row.label for row in known]
    return {one: labels.count(one) / len(labels) for one in dict.fromkeys(labels)}


def group_names(machine: str, label: str) -> tuple[str, str]:
    """The groups of a recording that versions are compared by."""
    return f"class {label}", f"machine {machine}"
