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

    def empty(self, value: int, off: float, decades: float) -> bool:
        """Whether between the median and what is `off` it a stretch of `decades` holds nothing."""
        column = self.values[:, value] - self.median[value]
        way = np.sort(
            np.append(column[(column > min(0.0, off)) & (column < max(0.0, off))], [0.0, off])
        )
        return bool(np.diff(way).max() >= decades)


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
                median = np.median(group, axis=0)
                sigma = _SIGMA * np.median(np.abs(group - median), axis=0)
                self._found[key] = Reference(median, sigma, group)

    def of(self, machine: str, label: str) -> Iterator[tuple[Key, Reference]]:
        """References for a recording, the closest first: its machine and class, its machine, its
        class, all."""
        for key in _keys(machine, label):
            if key in self._found:
                yield key, self._found[key]


def _keys(machine: str, label: str) -> tuple[Key, Key, Key, Key]:
    return (machine, label), (machine, None), (None, label), (None, None)
