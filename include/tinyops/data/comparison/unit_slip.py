"""Files in another unit than they say: off by a factor that lies between two units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyops.data.comparison.reference import Floats, References, centre

NEAREST = math.log10(1.2)
"""Decades that a level may be off the factor: three standard deviations, at least this."""

OWN_CLASS_ONLY = 50.0
"""Smaller factors are found within a class alone: a fault may be ten times as loud as none."""


@dataclass(frozen=True)
class Tolerance:
    """Shares of a factor's decades.

    Parameters
    ----------
    empty
        The stretch in which there must be no level.
    spread
        Three standard deviations of the others, at most; else the factor is not looked for.
    farthest
        A level may be so far off the factor, at most.
    """

    empty: float
    spread: float
    farthest: float


SMALL, LARGE = Tolerance(0.5, 0.35, 0.12), Tolerance(0.4, 0.6, 0.4)
"""Of factors below OWN_CLASS_ONLY, and from there on."""


def unit_slips(
    levels: Floats,
    machines: Sequence[str],
    labels: Sequence[str],
    factors: Sequence[float],
    first: int,
) -> list[float | None]:
    """For each recording from `first` on, the factor that its level is off by; None for none.

    A level is off by a factor when a stretch of about half its decades divides it from the
    comparable recordings, and it is about the factor from the median of those that lie on the other
    side: a machine that grows louder leaves levels in between, a unit does not.

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
            for factor in factors:
                tolerance = SMALL if factor < OWN_CLASS_ONLY else LARGE
                if of_class is None and tolerance is SMALL:
                    continue
                size = math.log10(factor)
                rest = reference.near_side(unit, float(off), tolerance.empty * size)
                if rest is None:
                    continue
                median, sigma = centre(rest)
                if 3 * sigma > tolerance.spread * size:
                    continue  # levels this far apart are nothing new here
                near = min(max(3 * float(sigma), NEAREST), tolerance.farthest * size)
                if abs(abs(levels[unit] - median) - size) < near:
                    return float(factor if off > 0 else 1 / factor)
    return None
