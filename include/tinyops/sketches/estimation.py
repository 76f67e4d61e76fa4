"""The expectation from labelled reference windows, and how well the reference tells it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinyops.sketches.components import Floats
from tinyops.sketches.expectation import Expectation

REPLICATES = 300
_PRIOR_WINDOWS = 0.3
_SHARED_WINDOWS = 50.0
_SHARED_UNITS, _SHARED_WHERE_RARE = 5.0, 50.0
_RIDGE = 0.02


@dataclass(frozen=True, eq=False)
class Sample:
    """Reference windows; n of them, in O conditions, with C classes.

    Parameters
    ----------
    values
        [n, D], components of single windows.
    labels, predicted
        [n], classes.
    conditions
        [n], 0 to O - 1.
    units
        [n], what the reference is a sample of: windows with the same number came together.
    rare
        [D], components of what is seldom seen.
    """

    values: Floats
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    conditions: NDArray[np.int64]
    units: NDArray[np.int64]
    rare: NDArray[np.bool_]
    classes: int

    def __len__(self) -> int:
        return len(self.values)

    @property
    def size(self) -> int:
        """D."""
        return self.values.shape[1]

    @property
    def origins(self) -> int:
        """O."""
        return int(self.conditions.max()) + 1


def estimate(
    sample: Sample, windows: int, rng: np.random.Generator
) -> tuple[Expectation, list[Expectation]]:
    """The expectation for sets of `windows` windows, and REPLICATES of it as other references of
    the same size would give: means of bootstrapped units, and covariances of as many degrees of
    freedom (Wishart; a bootstrap would lose what is rare and matters, such as out of range)."""
    pairs = np.stack([sample.conditions, sample.units])
    pairs, unit = np.unique(pairs, axis=1, return_inverse=True)
    sums = _Sums.of(sample, unit.reshape(-1), pairs.shape[1])
    origin = pairs[0]
    means = sums.means(np.ones((1, len(origin))), origin, sample.origins)[0]
    drawn = np.zeros((REPLICATES, len(origin)))
    for condition in range(sample.origins):
        own = np.flatnonzero(origin == condition)
        drawn[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), REPLICATES)
    replicates = sums.means(drawn, origin, sample.origins)
    within, windows_of_class = _within(sample, means)
    errors, units = _errors(replicates - means, sums, origin, sample.rare)
    others = zip(
        replicates,
        _wishart(within, windows_of_class, rng),
        _wishart(errors, np.repeat(units[:, None], sample.classes, axis=1), rng),
        strict=True,
    )
    exact = Expectation(
        means, within, errors, np.zeros_like(within), windows_of_class, units, windows
    )
    mixing = _mixing(sample, exact)
    return replace(exact, mixing=mixing), [
        replace(exact, means=means, within=within, errors=errors, mixing=mixing)
        for means, within, errors in others
    ]


@dataclass(frozen=True, eq=False)
class _Sums:
    """Per unit: components by true class [U, C, D], windows by true and predicted [U, C, C]."""

    values: Floats
    confusion: Floats

    @classmethod
    def of(cls, sample: Sample, unit: NDArray[np.intp], units: int) -> _Sums:
        values = np.zeros((units, sample.classes, sample.size))
        np.add.at(values, (unit, sample.labels), sample.values)
        confusion = np.zeros((units, sample.classes, sample.classes))
        np.add.at(confusion, (unit, sample.labels, sample.predicted), 1.0)
        return cls(values, confusion)

    def means(self, weights: Floats, origin: NDArray[np.int64], origins: int) -> Floats:
        """[R, O, C, D] for weights of units [R, U].

        A mean by predicted class would change with how frequent the classes are, because some of
        the windows that are called one class are of another. So the values mu of predicted classes
        are chosen such that A mu = m, with A[y, p] how often true class y is called p and m the
        means by true class: then the expectation holds under any frequencies. (The correction for
        label shift of Lipton et al. 2018, with a small ridge towards m.)
        """
        units, classes, size = self.values.shape
        members = [np.flatnonzero(origin == condition) for condition in range(origins)]
        totals = [
            (weights[:, own] @ self.values[own].reshape(len(own), -1)).reshape(-1, classes, size)
            for own in members
        ]
        sums = np.stack(totals, axis=1)
        label_counts = self.confusion.sum(axis=2)
        counts = np.stack([weights[:, own] @ label_counts[own] for own in members], axis=1)
        overall = sums.sum(axis=1) / np.maximum(counts.sum(axis=1), 1.0)[:, :, None]
        by_label = (sums + _PRIOR_WINDOWS * overall[:, None]) / (counts + _PRIOR_WINDOWS)[..., None]
        # A model has a person's or a batch's windows wrong in ways of its own.
        confused = self.confusion.reshape(units, -1)
        counted = np.stack([weights[:, own] @ confused[own] for own in members], axis=1)
        counted = counted.reshape(-1, origins, classes, classes)
        called = _rows(counted + _PRIOR_WINDOWS * _rows(counted.sum(axis=1))[:, None])
        turned = np.swapaxes(called, -1, -2)
        missing = turned @ (by_label - called @ by_label)
        system = turned @ called + _RIDGE * np.eye(classes)
        return np.asarray(by_label + np.linalg.solve(system, missing))


def _rows(counts: Floats) -> Floats:
    """Each row as shares."""
    return np.asarray(counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1e-12))


def _within(sample: Sample, means: Floats) -> tuple[Floats, Floats]:
    """Covariance of single windows by predicted class, drawn towards that of all
    [C, D, D], and degrees of freedom [C]."""
    left = sample.values - means[sample.conditions, sample.predicted]
    pooled = np.cov(left.T)
    found = np.empty((sample.classes, sample.size, sample.size))
    counts = np.bincount(sample.predicted, minlength=sample.classes)
    for name in range(sample.classes):
        own = left[sample.predicted == name]
        centred = own - own.mean(axis=0) if len(own) else own
        found[name] = (centred.T @ centred + _SHARED_WINDOWS * pooled) / (
            len(own) + _SHARED_WINDOWS
        )
    return found, np.asarray(counts + _SHARED_WINDOWS)


def _mixing(sample: Sample, expectation: Expectation) -> Floats:
    """Squares [C, D, D] of what is left of each class's windows, of all conditions alike.

    Weights of conditions and shares of classes are taken as independent. Where a class is called
    another by some people only, those windows are theirs: sets of that class are not explained.
    """
    alone = np.eye(sample.origins)[sample.conditions]
    chances = (alone / alone.sum(axis=0)).mean(axis=1)
    predicted = np.eye(sample.classes)[sample.predicted]
    found = np.zeros((sample.classes, sample.size, sample.size))
    for name in np.unique(sample.labels):
        own = np.where(sample.labels == name, chances, 0.0)
        own /= own.sum()
        values, shares = (own @ sample.values)[None], (own @ predicted)[None]
        weights = expectation.nearest(values, shares)[1]
        left = expectation.residuals(values, shares, weights)[0]
        found[name] = np.outer(left, left)
    return found


def _errors(
    off: Floats, sums: _Sums, origin: NDArray[np.int64], rare: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Covariance of means from their deviations [R, O, C, D], drawn towards what units of any
    class have in the same condition [O, C, D, D], and degrees of freedom [O].

    What is rare may not have been seen in a class at all, and would seem to be known exactly: there
    the units of other classes have more to say, and the variance can only grow.
    """
    found = np.einsum("rocd,roce->ocde", off, off, optimize=True) / len(off)
    members = np.eye(off.shape[1])[origin].T
    units = members @ (sums.confusion.sum(axis=2) > 0)
    known = units[:, :, None, None]
    pooled = (known**2 * found).sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True)
    shared = pooled / np.maximum(known, 1.0)
    own, careful = (
        (found * known + units_shared * shared) / (known + units_shared)
        for units_shared in (_SHARED_UNITS, _SHARED_WHERE_RARE)
    )
    variances, least = (np.einsum("ocdd->ocd", each) for each in (own, careful))
    grown = np.sqrt(np.maximum(least / np.maximum(variances, 1e-12), 1.0))
    scale = np.where(rare, grown, 1.0)
    freedom = np.maximum(members.sum(axis=1) - 1, off.shape[-1] + 2.0)
    return own * scale[..., :, None] * scale[..., None, :], freedom


def _wishart(covariances: Floats, freedom: Floats, rng: np.random.Generator) -> Floats:
    """REPLICATES of covariances [..., D, D] as estimated with degrees of freedom [...]."""
    from scipy.stats import wishart

    found, eye = np.empty((REPLICATES, *covariances.shape)), np.eye(covariances.shape[-1])
    for at in np.ndindex(freedom.shape):
        root = np.linalg.cholesky(covariances[at] + 1e-9 * eye)
        degrees = float(freedom[at])
        drawn = wishart.rvs(degrees, eye / degrees, REPLICATES, random_state=rng)
        found[(slice(None), *at)] = root @ drawn @ root.T
    return found
