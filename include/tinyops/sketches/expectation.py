"""What a frame set without drift looks like, and how far one is from that.

A fault that the model knows is no drift. So a set is expected to have the components of its own
predicted classes, and to come from one condition of the reference (a machine, a person, a batch)
or from a mixture of them. What is left over is weighed by its covariance under no drift, which
includes that the reference itself is a sample (Hotelling's T², with weights that minimise it).
Covariances are estimates too, the poorer the fewer machines they come from: T² is brought to the
scale of chi-squared, so that one threshold does for sets of one class and of many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyops.sketches.components import Floats

_ROUNDS = 4
_RIDGE, _WALL = 1e-9, 1e6
_SMALLEST_VARIANCE = 0.01
_FEWEST_FREEDOM = 8.0


@dataclass(frozen=True, eq=False)
class Expectation:
    """Means and covariances of D components; O conditions, C predicted classes.

    Parameters
    ----------
    means
        [O, C, D], what a window predicted as a class adds to the components of a set.
    within
        [C, D, D], covariance of single windows around it.
    errors
        [O, C, D, D], covariance of `means` as estimates.
    mixing
        [C, D, D], squares of what `means` miss in sets of one class, see `estimation`.
    within_freedom
        [C], degrees of freedom that `within` was estimated with.
    errors_freedom
        [O], those of `errors`.
    windows
        Counted windows of a frame set.
    """

    means: Floats
    within: Floats
    errors: Floats
    mixing: Floats
    within_freedom: Floats
    errors_freedom: Floats
    windows: int

    @property
    def conditions(self) -> int:
        """O."""
        return len(self.means)

    @property
    def size(self) -> int:
        """D."""
        return self.means.shape[-1]

    def residuals(self, found: Floats, classes: Floats, weights: Floats) -> Floats:
        """Found less expected [n, D]."""
        shares = (weights[:, :, None] * classes[:, None, :]).reshape(len(found), -1)
        return np.asarray(found - shares @ self.means.reshape(-1, self.size))

    def covariances(self, classes: Floats, weights: Floats) -> Floats:
        """Covariance of residuals without drift, [n, D, D].

        Errors of different classes and conditions are taken as independent; what that leaves out
        is in the Monte-Carlo threshold.
        """
        floor = _SMALLEST_VARIANCE / self.windows * np.eye(self.size)
        found = classes @ (self.within / self.windows + floor).reshape(len(self.within), -1)
        used = np.flatnonzero(weights.any(axis=0))
        shares = weights[:, used, None] * classes[:, None, :]
        errors = self.errors[used].reshape(-1, self.size**2)
        found += np.square(shares).reshape(len(classes), -1) @ errors
        found += np.square(classes) @ self.mixing.reshape(len(self.mixing), -1)
        return np.asarray(found.reshape(-1, self.size, self.size))

    def freedom(self, covariances: Floats, classes: Floats, weights: Floats) -> Floats:
        """Degrees of freedom of `covariances` [n, D, D] as estimates, [n].

        Of a sum of estimates, by how much each adds (Welch 1947, Satterthwaite 1946), on average
        over the components.
        """
        inverse = 1 / np.einsum("ndd->nd", covariances)
        used = np.flatnonzero(weights.any(axis=0))
        shares = np.square(weights[:, used, None] * classes[:, None, :]).reshape(len(classes), -1)
        parts = (
            (classes / self.windows, self.within, self.within_freedom),
            (shares, self.errors[used], np.repeat(self.errors_freedom[used], classes.shape[1])),
        )
        found = np.zeros(len(classes))
        for factors, estimates, freedom in parts:
            variances = np.einsum("...dd->...d", estimates).reshape(-1, self.size)
            portions = factors * (inverse @ variances.T) / self.size
            found += np.square(portions) @ (1 / freedom)
        return np.asarray(1 / found)

    def distances(self, found: Floats, classes: Floats, weights: Floats) -> Floats:
        """T² [n] at given weights, as `as_chi_squared`.

        Parameters
        ----------
        found
            [n, D], components of frame sets.
        classes
            [n, C], their shares of predicted classes.
        weights
            [n, O], shares of conditions.
        """
        left = self.residuals(found, classes, weights)
        covariances = self.covariances(classes, weights)
        solved = np.linalg.solve(covariances, left[:, :, None])[:, :, 0]
        t2 = np.einsum("nd,nd->n", left, solved)
        return as_chi_squared(t2, self.size, self.freedom(covariances, classes, weights))

    def nearest(self, found: Floats, classes: Floats) -> tuple[Floats, Floats]:
        """T² [n] and weights [n, O] of the best explanation: each condition alone, all alike, or
        their mixture."""
        alike = np.full((len(found), self.conditions), 1 / self.conditions)
        if self.conditions == 1:
            return self.distances(found, classes, alike), alike
        candidates = [alike, self.mixtures(found, classes)]
        candidates += [np.broadcast_to(row, alike.shape) for row in np.eye(self.conditions)]
        tried = np.stack([self.distances(found, classes, each) for each in candidates])
        best = tried.argmin(axis=0)
        rows = np.arange(len(found))
        return tried[best, rows], np.stack(candidates)[best, rows]

    def mixtures(self, found: Floats, classes: Floats) -> Floats:
        """Weights [n, O] of least squares under the covariance of all conditions alike: above 0
        and with sum 1. Conditions that would get less than nothing are left out, in a few rounds.
        """
        alike = np.full((len(found), self.conditions), 1 / self.conditions)
        expected = np.einsum("nc,ocd->nod", classes, self.means)
        covariances = self.covariances(classes, alike)
        columns = np.concatenate([expected, found[:, None]], axis=1).transpose(0, 2, 1)
        products = expected @ np.linalg.solve(covariances, columns)
        gram, wanted = products[:, :, :-1], products[:, :, -1]
        scale = np.trace(gram, axis1=1, axis2=2)[:, None] + 1.0
        left_out = np.zeros_like(wanted)
        sides = np.stack([wanted, np.ones_like(wanted)], axis=2)
        for _ in range(_ROUNDS):
            diagonal = scale * (_RIDGE + _WALL * left_out)
            solved = np.linalg.solve(gram + diagonal[:, :, None] * np.eye(self.conditions), sides)
            free, pull = solved[:, :, 0], solved[:, :, 1]
            rest = (1 - free.sum(axis=1)) / pull.sum(axis=1)
            weights = free + pull * rest[:, None]
            left_out = np.maximum(left_out, weights < 0)
        weights = np.maximum(weights, 0.0)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def as_chi_squared(t2: Floats, size: int, freedom: Floats) -> Floats:
    """The value of chi-squared of `size` degrees of freedom that is exceeded as often as T² is.

    T² of `size` components whose covariance was estimated with `freedom` degrees of freedom is a
    multiple of F (Hotelling 1931). Both tails go through the normal distribution, by cube roots
    (Wilson and Hilferty 1931; Paulson 1942): rising everywhere, and no tail is too thin.
    """
    rest = np.maximum(freedom - size + 1, _FEWEST_FREEDOM)
    ratio = np.cbrt(t2 * rest / (size * (rest + size - 1)))
    own, other = 2 / (9 * size), 2 / (9 * rest)
    normal = ((1 - other) * ratio - (1 - own)) / np.sqrt(other * np.square(ratio) + own)
    return np.asarray(size * np.maximum(1 - own + normal * np.sqrt(own), 0.0) ** 3)
