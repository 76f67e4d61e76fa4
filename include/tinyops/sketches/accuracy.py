"""Estimated accuracy from confidence bins alone (CBPE, as in NannyML, on eight bins).

It holds as long as a confidence means what it meant on the reference: under changed frequencies of
classes and of easy and hard windows, but not under concept drift, nor where the data is new. It is
told beside a verdict and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.components import Floats
from tinyops.sketches.frames import BINS

_PRIOR = 2.0
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """How often each confidence is right, on windows that were not trained on.

    Parameters
    ----------
    windows, right
        [8], validation and test windows by confidence bin, and how many were predicted right.
    correlation
        Intra-class correlation of (right less expected) within a recording.
    recording_windows
        Mean size of a window's own recording, in windows.
    """

    windows: tuple[int, ...]
    right: tuple[int, ...]
    correlation: float
    recording_windows: float

    @property
    def accuracies(self) -> Floats:
        """[8]; a bin with few windows is drawn towards the mean of all."""
        windows, right = np.array(self.windows, float), np.array(self.right, float)
        overall = (right.sum() + 1) / (windows.sum() + 2)
        return np.asarray((right + _PRIOR * overall) / (windows + _PRIOR))

    @property
    def variances(self) -> Floats:
        """[8], of `accuracies` as estimates; windows of a recording are not independent."""
        effect = design_effect(self.correlation, self.recording_windows)
        shares = self.accuracies
        return np.asarray(shares * (1 - shares) / (np.array(self.windows) + _PRIOR) * effect)


def calibrate(
    bins: NDArray[np.integer], right: NDArray[np.bool_], recordings: NDArray[np.int64]
) -> Calibration:
    """From windows [n]: confidence bin, whether it was right, number of its recording."""
    windows = np.bincount(bins, minlength=BINS)
    hits = np.bincount(bins[right], minlength=BINS)
    sizes = np.bincount(recordings)
    sizes = sizes[sizes > 0]
    mean_size = float((sizes**2).sum() / sizes.sum())
    found = Calibration(tuple(windows.tolist()), tuple(hits.tolist()), 0.0, mean_size)
    expected = found.accuracies[bins]
    variance = float((expected * (1 - expected)).sum())
    sums = np.bincount(recordings, weights=right - expected)
    if mean_size <= 1 or variance <= 0:
        return found
    inflation = float((sums**2).sum()) / variance
    correlation = min(max((inflation - 1) / (mean_size - 1), 0.0), 1.0)
    return Calibration(found.windows, found.right, correlation, mean_size)


def design_effect(correlation: float, mean_size: float) -> float:
    """How much the variance of a sum grows when windows come in recordings (Kish 1965).

    `mean_size` is the mean size of a window's own recording: sum of squares over sum.
    """
    return 1 + max(mean_size - 1, 0.0) * correlation


def estimate_accuracy(calibration: Calibration, confidence: NDArray[np.integer]) -> Interval:
    """The accuracy of the windows counted in confidence bins [8], at least one.

    The interval covers the calibration's own error and the windows' luck.
    """
    counts = np.asarray(confidence, np.float64)
    shares, expected = counts / counts.sum(), calibration.accuracies
    value = float(shares @ expected)
    variance = float(shares**2 @ calibration.variances)
    variance += float(shares @ (expected * (1 - expected))) / float(counts.sum())
    half = _TWO_SIDED_95 * float(np.sqrt(variance))
    return Interval(value, max(value - half, 0.0), min(value + half, 1.0))
