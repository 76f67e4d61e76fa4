"""What comparable recordings have shown: median and spread by machine and class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Key = tuple[str | None, str | None]
"""(machine, class); None stands for any."""

FEWEST = 8
"""Recordings, below which a median and a spread say nothing."""

_SIGMA = 1.4826  # of the median absolute deviation, for normal noise


@dataclass(frozen=True)
class Reference:
    """Median and robust standard deviation of each value over the recordings of one key, and
    the values themselves [recordings, values]."""

    median: Floats
    sigma: Floats
    values: Floats

    def near_side(self, value: int, off: float, decades: float) -> Floats | None:
        """What lies on the median's side of an empty stretch between it and what is `off` it.

        None without a stretch of `decades` that holds nothing. Of several the farthest counts.
        """
        if abs(off) < decades:
            return None
        away = (self.values[:, value] - self.median[value]) * np.sign(off)
        way = np.sort(np.append(away[(away > 0) & (away < abs(off))], [0.0, abs(off)]))
        stretches = np.flatnonzero(np.diff(way) >= decades)
        if not len(stretches):
            return None
        side: Floats = self.values[away <= way[stretches[-1]], value]
        return side


def centre(values: Floats) -> tuple[Floats, Floats]:
    """(median, robust standard deviation) over the first axis."""
    median: Floats = np.asarray(np.median(values, axis=0))
    return median, np.asarray(_SIGMA * np.median(np.abs(values - median), axis=0))


class References:
    """References for every key that has enough recordings.

    Medians of all recordings, the batch's own among them: what less than half of them do wrong
    stands out, whether it is new or was there before.

    Parameters
    ----------
    values
        [recordings, values]; nan where there is none.
    """

    def __init__(self, values: Floats, machines: Sequence[str], labels: Sequence[str]) -> None:
        rows: dict[Key, list[int]] = defaultdict(list)
        usable: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
        for at, (machine, label) in enumerate(zip(machines, labels, strict=True)):
            if usable[at]:
                for key in _keys(machine, label):
                    rows[key].append(at)
        self._found: dict[Key, Reference] = {}
        for key, members in rows.items():
            if len(members) >= FEWEST:
                group = values[members]
                self._found[key] = Reference(*centre(group), group)

    def of(self, machine: str, label: str) -> Iterator[tuple[Key, Reference]]:
        """References for a recording, the closest first: its machine and class, its machine, its
        class, all."""
        for key in _keys(machine, label):
            if key in self._found:
                yield key, self._found[key]


def _keys(machine: str, label: str) -> tuple[Key, Key, Key, Key]:
    return (machine, label), (machine, None), (None, label), (None, None)
