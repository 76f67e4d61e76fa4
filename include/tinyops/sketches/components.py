"""Counts as a few numbers that say what moved: orthogonal components of each feature's histogram.

Neyman's smooth components of order three (location, spread, skew) with respect to the reference's
bins, see Rayner and Rayner 2001, "Smooth tests of goodness of fit"; and the share out of range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.frames import BINS, FEATURES
from tinyops.sketches.sketch import Counts, SketchSpec

ORDER = 3
CELLS = FEATURES * (BINS + 1)
"""Counts of the inputs: the bins of each feature, then out of range of each."""
FEATURE_NAMES = ("projection 1", "projection 2", "rest of the distance")

Floats = NDArray[np.float64]


def cells_of(counts: Counts) -> Floats:
    """The counts of the inputs of a frame set, [CELLS]."""
    return np.concatenate([counts.histograms.ravel(), counts.out_of_range]).astype(np.float64)


def cells_of_windows(
    spec: SketchSpec, features: NDArray[np.int32], out: NDArray[np.bool_] | None = None
) -> Floats:
    """The same of single windows: features [n, 3] to zeros and ones [n, CELLS]. `out` [n, 3] says
    which are out of range, in place of the sketch."""
    bins = np.eye(BINS)[spec.bins(features)].reshape(len(features), -1)
    beyond = spec.out_of_range(features) if out is None else out
    return np.concatenate([bins, beyond], axis=1)


def smooth_basis(probabilities: Sequence[float] | Floats) -> Floats:
    """Polynomials of degree 1 to 3 in the bin's middle, [bins, 3], orthonormal under the bins'
    probabilities: a window's value has mean 0 and variance 1 there. Probabilities are above 0."""
    root = np.sqrt(np.asarray(probabilities, np.float64))[:, None]
    middles = (np.arange(len(root)) + 0.5) / len(root)
    powers = np.vander(middles, ORDER + 1, increasing=True)
    q, r = np.linalg.qr(root * powers)
    return np.asarray((q * np.sign(np.diag(r)))[:, 1:] / root)


@dataclass(frozen=True, eq=False)
class Components:
    """The components of some histograms with respect to one reference.

    Parameters
    ----------
    histograms
        How many.
    probabilities
        [cells], each cell's share of the reference's windows: the bins of each histogram, then,
        where they are counted, out of range of each.
    """

    histograms: int
    probabilities: Floats

    @classmethod
    def of_reference(cls, cells: Floats, histograms: int) -> Components:
        """From the cells of all its windows [n, cells]."""
        windows, counts = len(cells), cells.sum(axis=0)
        # Half a window is added to each cell: none has probability 0, however few windows.
        bins = (counts[: histograms * BINS] + 0.5) / (windows + 0.5 * BINS)
        out = (counts[histograms * BINS :] + 0.5) / (windows + 1.0)
        return cls(histograms, np.concatenate([bins, out]))

    @property
    def each(self) -> int:
        """Components of one histogram: location, spread, skew and, where counted, out of range."""
        return ORDER + int(len(self.probabilities) > self.histograms * BINS)

    @property
    def rare(self) -> NDArray[np.bool_]:
        """[components], which count what is out of range."""
        return np.arange(self.histograms * self.each) % self.each >= ORDER

    @property
    def matrix(self) -> Floats:
        """[cells, components], from a cell to its values."""
        found = np.zeros((len(self.probabilities), self.histograms * self.each))
        for at in range(self.histograms):
            rows = slice(at * BINS, (at + 1) * BINS)
            start = at * self.each
            found[rows, start : start + ORDER] = smooth_basis(self.probabilities[rows])
        for at, share in enumerate(self.probabilities[self.histograms * BINS :]):
            row, column = self.histograms * BINS + at, at * self.each + ORDER
            found[row, column] = 1 / np.sqrt(share * (1 - share))
        return found

    def of(self, shares: Floats) -> Floats:
        """Shares of windows in each cell [..., cells] as components; 0 where they are the
        reference's, and 1 is a standard deviation of a single window."""
        return np.asarray((shares - self.probabilities) @ self.matrix)
