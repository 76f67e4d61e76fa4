"""Reference windows counted as if they had not been in the reference.

Projections are chosen such that the reference's windows spread along them and keep little rest. Of
other windows they explain less, the more so the fewer machines there are to choose them from. What
devices meet would seem to have drifted from the start. So each window is looked at through
projections that were chosen without it and its like (cross-fitting), turned as close as can be to
those of the sketch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
_FOLDS = 20
_ROWS = 2048
_ROUNDS = 12


def folds_of(units: NDArray[np.integer]) -> NDArray[np.int64]:
    """The fold of each window [n]: those of a unit are left out together; of more than 20 units,
    several are."""
    numbers, unit = np.unique(units, return_inverse=True)
    return np.asarray(unit.reshape(-1) % min(_FOLDS, len(numbers)))


def unseen_features(
    x: NDArray[np.int8], weights: NDArray[np.int8], folds: NDArray[np.integer]
) -> NDArray[np.int32]:
    """The features of a sketch [n, 3] of inputs [n, ...], for projections `weights` [2, D]."""
    inputs = x.reshape(len(x), -1).astype(np.float32)
    chosen = np.linspace(0, len(x) - 1, min(len(x), _ROWS)).astype(int)
    lengths = np.linalg.norm(weights.astype(np.float64), axis=1)
    start = (weights / lengths[:, None]).T.astype(np.float32)
    found = np.empty((len(x), 3))
    for fold in np.unique(folds):
        own = folds == fold
        others = inputs[chosen[_others(own)[chosen]]]
        center = others.mean(axis=0)
        axes = _principal(others - center, start)
        distance = inputs[own] - center
        projections = distance @ axes
        found[own, :2] = projections * lengths
        found[own, 2] = np.square(distance).sum(axis=1) - np.square(projections).sum(axis=1)
    return np.rint(found).clip(-(2**31), 2**31 - 1).astype(np.int32)


def beyond_others(
    features: NDArray[np.int32], folds: NDArray[np.integer], share: float
) -> NDArray[np.bool_]:
    """Which features [n, 3] lie beyond all but `share` of the other folds' at either end."""
    found = np.empty(features.shape, np.bool_)
    for fold in np.unique(folds):
        own = folds == fold
        low, high = np.quantile(features[_others(own)], [share, 1 - share], axis=0)
        found[own] = (features[own] < low) | (features[own] > high)
    return found


def _others(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # One unit alone is all that there is to go by.
    return own if own.all() else ~own


def _principal(rows: Floats, start: Floats) -> Floats:
    """The plane of most variance, by subspace iteration, in axes [d, 2] nearest to `start`."""
    axes = start
    for _ in range(_ROUNDS):
        axes = np.linalg.qr(rows.T @ (rows @ axes))[0]
    # Orthogonal Procrustes: the turn of the plane that brings its axes closest.
    left, _, right = np.linalg.svd(axes.T @ start)
    return np.asarray(axes @ left @ right)
