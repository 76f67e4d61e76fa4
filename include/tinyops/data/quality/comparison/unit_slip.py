"""Files in another unit than they say: off by a factor that lies between two units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyops.data.quality.comparison.reference import Floats, Reference, References, centre

NEAREST = math.log10(1.2)
"""Decades that a corrected level may lie beside the others, at least."""

OWN_CLASS_ONLY = 50.0
"""Smaller factors are found within a class alone: a fault may be ten times as loud as none."""

SMALL_AT_MOST = 0.12
"""Of a small factor's decades: a corrected level may be so far off the median."""


@dataclass(frozen=True)
class Tolerance:
    """Shares of a factor's decades.

    Parameters
    ----------
    empty
        The stretch in which there must be no level.
    spread
        Three standard deviations of the others, at most; else the factor is not looked for.
    """

    empty: float
    spread: float


SMALL, LARGE = Tolerance(0.5, 0.35), Tolerance(0.4, 1.0)
"""Of factors below OWN_CLASS_ONLY, and from there on."""


def unit_slips(
    levels: Floats,
    machines: Sequence[str],
    labels: Sequence[str],
    factors: Sequence[float],
    first: int,
) -> list[float | None]:
    """For each recording from `first` on, the factor that its level is off by; None for none.

    A level is off by a factor when a stretch of about half its decades divides it from comparable
    recordings, and the factor takes it back among them: a machine that grows louder leaves levels
    in between, a unit does not. Of several factors it is the one that leads to where others are.

    Parameters
    ----------
    levels
        Log10 of RMS [recordings, units]; nan where unknown.
    factors
        Those to look for, above 1; 100 stands for 0.01 too.
    """
    references = References(levels, machines, labels)
    return [
        _slip(levels[at], references, machines[at], labels[at], factors)
        for at in range(first, len(levels))
    ]


def _slip(
    levels: Floats, references: References, machine: str, label: str, factors: Sequence[float]
) -> float | None:
    if not np.isfinite(levels).all():
        return None
    for (_, of_class), reference in references.of(machine, label):
        for unit, off in enumerate(levels - reference.median):
            sign = 1 if off > 0 else -1
            back = {
                factor: float(levels[unit] - sign * math.log10(factor))
                for factor in factors
                if of_class is not None or factor >= OWN_CLASS_ONLY
            }
            found = [factor for factor in back if _fits(reference, unit, off, factor, back[factor])]
            if found:
                factor = min(found, key=lambda each: _oddness(reference, unit, back[each]))
                return float(factor if off > 0 else 1 / factor)
    return None


def _oddness(reference: Reference, unit: int, corrected: float) -> tuple[float, float]:
    """Decades to where others are, then to the median."""
    beside = float(np.abs(reference.values[:, unit] - corrected).min())
    return max(0.0, beside - NEAREST), abs(corrected - float(reference.median[unit]))


def _fits(reference: Reference, unit: int, off: float, factor: float, corrected: float) -> bool:
    """Whether the factor explains a level that is `off` the median."""
    size, large = math.log10(factor), factor >= OWN_CLASS_ONLY
    tolerance = LARGE if large else SMALL
    rest = reference.near_side(unit, off, tolerance.empty * size)
    if rest is None:
        return False
    median, sigma = (float(each) for each in centre(rest))
    if 3 * sigma > tolerance.spread * size:
        return False  # levels this far apart are nothing new here
    if large:
        beside = max(NEAREST, sigma)
        return bool(rest.min() - beside < corrected < rest.max() + beside)
    return abs(corrected - median) < min(max(3 * sigma, NEAREST), SMALL_AT_MOST * size)
