"""The test on labelled windows: are they right as often as their confidence promises?

It finds what no count of inputs can: inputs that stayed while their meaning changed. It holds
whatever confidences were chosen for labelling, but not when windows were chosen because they were
wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.accuracy import Calibration, design_effect
from tinyops.sketches.frames import BINS


@dataclass(frozen=True)
class Residual:
    """What labels say.

    Parameters
    ----------
    z
        Right less expected, in standard deviations.
    labels, recordings
        Labelled windows, and recordings that they come from.
    accuracy, expected
        Share of them that is right, and that their confidence promises.
    alpha
        Level of the test.
    moved
        z is below the normal quantile of alpha, and there are labels enough.
    """

    z: float
    labels: int
    recordings: int
    accuracy: float
    expected: float
    alpha: float
    moved: bool


def residual_of(
    calibration: Calibration,
    bins: NDArray[np.integer],
    right: NDArray[np.bool_],
    recordings: NDArray[np.integer] | NDArray[np.str_],
    alpha: float,
    minimum: int,
) -> Residual:
    """The test of n > 0 labelled windows.

    z = sum(right - a) / sqrt(d sum a (1 - a) + sum n_k² var(a_k)), with a the accuracy of a
    window's confidence bin on the reference, n_k the windows in bin k, and d the design effect of
    windows in one recording.

    Parameters
    ----------
    bins, right, recordings
        [n], confidence bin, whether the prediction was right, recording.
    """
    from scipy.stats import norm

    expected = calibration.accuracies[np.asarray(bins)]
    _, sizes = np.unique(recordings, return_counts=True)
    effect = design_effect(calibration.correlation, float((sizes**2).sum() / sizes.sum()))
    counts = np.bincount(bins, minlength=BINS).astype(np.float64)
    variance = effect * float((expected * (1 - expected)).sum())
    variance += float(counts**2 @ calibration.variances)
    z = float((np.asarray(right) - expected).sum()) / float(np.sqrt(max(variance, 1e-12)))
    return Residual(
        z=z,
        labels=len(expected),
        recordings=len(sizes),
        accuracy=float(np.mean(right)),
        expected=float(expected.mean()),
        alpha=alpha,
        moved=bool(z < norm.ppf(alpha)) and len(expected) >= minimum,
    )
