"""Counts as rows, one row a count, which is the only thing that Evidently takes.

A frame holds marginals: nobody knows which bin of one feature came with which of another. The rows
therefore pair the columns up arbitrarily, and nothing may be read from one column about another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyops.errors import TinyOpsError
from tinyops.sketches.components import FEATURE_NAMES as FEATURES
from tinyops.sketches.frames import BINS
from tinyops.sketches.sketch import Counts

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = "confidence"
CLASS = "predicted class"


@dataclass(frozen=True)
class Marginal:
    """One column on both sides: `current[k]` and `reference[k]` windows fell in `bins[k]`."""

    column: str
    bins: tuple[str, ...]
    current: tuple[int, ...]
    reference: tuple[int, ...]


def marginals(current: Counts, reference: Counts, classes: Sequence[str]) -> list[Marginal]:
    """The five columns of a frame set beside its reference; `classes` name the class counters."""
    names = {column: _eighths() for column in (*FEATURES, CONFIDENCE)}
    names[CLASS] = tuple(classes)
    sides = [
        dict(zip(names, [*side.histograms, side.confidence, side.classes], strict=True))
        for side in (current, reference)
    ]
    return [
        Marginal(column, bins, *(_whole(side[column][: len(bins)]) for side in sides))
        for column, bins in names.items()
    ]


def current_rows(columns: Sequence[Marginal]) -> pd.DataFrame:
    """One row a window of the frame set."""
    return _rows({each.column: (each.bins, each.current) for each in columns})


def reference_rows(columns: Sequence[Marginal]) -> pd.DataFrame:
    """One row a window of the reference."""
    return _rows({each.column: (each.bins, each.reference) for each in columns})


def _rows(columns: dict[str, tuple[tuple[str, ...], tuple[int, ...]]]) -> pd.DataFrame:
    import pandas as pd

    sums = {column: sum(counts) for column, (_, counts) in columns.items()}
    if len(set(sums.values())) != 1 or not max(sums.values()):
        raise TinyOpsError(f"counts of different or no windows: {sums}", "count the same windows")
    return pd.DataFrame(
        {
            column: np.repeat(np.array(bins, dtype=object), counts)
            for column, (bins, counts) in columns.items()
        }
    )


def _eighths() -> tuple[str, ...]:
    # The digit comes first, so that whoever sorts the names gets the order of the values.
    ends = {0: " lowest", BINS - 1: " highest"}
    return tuple(f"{at + 1}{ends.get(at, '')}" for at in range(BINS))


def _whole(counts: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(count) for count in counts)
