"""What a frame set without drift looks like, and how far one is from that.

A fault that the model knows is no drift. So a set is expected to have the components of its own
predicted classes, and to come from one condition of the reference (a machine, a person, a batch)
or from a mixture of them. What is left over is weighed by its covariance under no drift, which
includes that the reference itself is a sample (Hotelling's T², with weights that minimise it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyops.monitoring.components import SIZE, Floats

_SUM_TO_ONE = 1e3
_SMALLEST_VARIANCE = 0.01


@dataclass(frozen=True, eq=False)
class Expectation:
    """Means and covariances of components; O conditions, C predicted classes.

    Parameters
    ----------
    means
        [O, C, SIZE], what a window predicted as a class adds to the components of a set.
    within
        [C, SIZE, SIZE], covariance of single windows around it.
    errors
        [O, C, SIZE, SIZE], covariance of `means` as estimates.
    windows
        Counted windows of a frame set.
    """

    means: Floats
    within: Floats
    errors: Floats
    windows: int

    @property
    def conditions(self) -> int:
        """O."""
        return len(self.means)

    def residuals(self, found: Floats, classes: Floats, weights: Floats) -> Floats:
        """Found less expected [n, SIZE]."""
        shares = (weights[:, :, None] * classes[:, None, :]).reshape(len(found), -1)
        return np.asarray(found - shares @ self.means.reshape(-1, SIZE))

    def covariances(self, classes: Floats, weights: Floats) -> Floats:
        """Covariance of residuals without drift, [n, SIZE, SIZE].

        Errors of different classes and conditions are taken as independent; what that leaves out
        is in the Monte-Carlo threshold.
        """
        floor = _SMALLEST_VARIANCE / self.windows * np.eye(SIZE)
        found = classes @ (self.within / self.windows + floor).reshape(len(self.within), -1)
        used = np.flatnonzero(weights.any(axis=0))
        shares = weights[:, used, None] * classes[:, None, :]
        errors = self.errors[used].reshape(-1, SIZE * SIZE)
        found += np.square(shares).reshape(len(classes), -1) @ errors
        return np.asarray(found.reshape(-1, SIZE, SIZE))

    def distances(self, found: Floats, classes: Floats, weights: Floats) -> Floats:
        """T² [n] at given weights.

        Parameters
        ----------
        found
            [n, SIZE], components of frame sets.
        classes
            [n, C], their shares of predicted classes.
        weights
            [n, O], shares of conditions.
        """
        left = self.residuals(found, classes, weights)
        solved = np.linalg.solve(self.covariances(classes, weights), left[:, :, None])[:, :, 0]
        return np.einsum("nd,nd->n", left, solved)

    def nearest(self, found: Floats, classes: Floats) -> tuple[Floats, Floats]:
        """T² [n] and weights [n, O] of the best explanation: each condition alone, all alike, or
        the mixture of least squares under the covariance of all alike."""
        alike = np.full((len(found), self.conditions), 1 / self.conditions)
        if self.conditions == 1:
            return self.distances(found, classes, alike), alike
        candidates = [alike, self._mixtures(found, classes, alike)]
        candidates += [np.broadcast_to(row, alike.shape) for row in np.eye(self.conditions)]
        tried = np.stack([self.distances(found, classes, each) for each in candidates])
        best = tried.argmin(axis=0)
        rows = np.arange(len(found))
        return tried[best, rows], np.stack(candidates)[best, rows]

    def _mixtures(self, found: Floats, classes: Floats, alike: Floats) -> Floats:
        from scipy.optimize import nnls

        roots = np.linalg.cholesky(self.covariances(classes, alike))
        columns = np.einsum("nc,ocd->ndo", classes, self.means)
        system = np.linalg.solve(roots, np.concatenate([columns, found[:, :, None]], axis=2))
        last = np.full((len(found), 1, self.conditions + 1), _SUM_TO_ONE)
        system = np.concatenate([system, last], axis=1)
        weights = np.stack([nnls(each[:, :-1], each[:, -1])[0] for each in system])
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))
