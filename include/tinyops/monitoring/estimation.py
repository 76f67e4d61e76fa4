"""The expectation from labelled reference windows, and how well the reference tells it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.monitoring.components import SIZE, Floats
from tinyops.monitoring.expectation import Expectation

REPLICATES = 300
_PRIOR_WINDOWS = 1.0
_POOLED_WINDOWS = 50.0
_RIDGE = 0.02


@dataclass(frozen=True, eq=False)
class Sample:
    """Reference windows; n of them, in O conditions, with C classes.

    Parameters
    ----------
    values
        [n, SIZE], components of single windows.
    labels, predicted
        [n], classes.
    conditions
        [n], 0 to O - 1.
    units
        [n], what the reference is a sample of: windows with the same number came together.
    """

    values: Floats
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    conditions: NDArray[np.int64]
    units: NDArray[np.int64]
    classes: int

    def __len__(self) -> int:
        return len(self.values)

    @property
    def origins(self) -> int:
        """O."""
        return int(self.conditions.max()) + 1


def estimate(sample: Sample, windows: int, rng: np.random.Generator) -> tuple[Expectation, Floats]:
    """The expectation for sets of `windows` windows, and REPLICATES of its means [R, O, C, SIZE]
    from bootstrapped units."""
    unit, first, inverse = np.unique(
        np.stack([sample.conditions, sample.units]), axis=1, return_index=True, return_inverse=True
    )
    sums = _Sums.of(sample, inverse.reshape(-1), unit.shape[1])
    origin = sample.conditions[first]
    means = sums.means(np.ones((1, len(origin))), origin, sample.origins)[0]
    drawn = np.zeros((REPLICATES, len(origin)))
    for condition in range(sample.origins):
        own = np.flatnonzero(origin == condition)
        drawn[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), REPLICATES)
    replicates = sums.means(drawn, origin, sample.origins)
    off = replicates - means
    errors = np.einsum("rocd,roce->ocde", off, off, optimize=True) / REPLICATES
    found = Expectation(means, _within(sample, means), errors, windows)
    return found, replicates


@dataclass(frozen=True, eq=False)
class _Sums:
    """Per unit: components by true class [U, C, SIZE], windows by true and predicted [U, C, C]."""

    values: Floats
    confusion: Floats

    @classmethod
    def of(cls, sample: Sample, unit: NDArray[np.intp], units: int) -> _Sums:
        values = np.zeros((units, sample.classes, SIZE))
        np.add.at(values, (unit, sample.labels), sample.values)
        confusion = np.zeros((units, sample.classes, sample.classes))
        np.add.at(confusion, (unit, sample.labels, sample.predicted), 1.0)
        return cls(values, confusion)

    def means(self, weights: Floats, origin: NDArray[np.int64], origins: int) -> Floats:
        """[R, O, C, SIZE] for weights of units [R, U].

        A mean by predicted class would change with how frequent the classes are, because some of
        the windows that are called one class are of another. So the values mu of predicted classes
        are chosen such that A mu = m, with A[y, p] how often true class y is called p and m the
        means by true class: then the expectation holds under any frequencies. (The correction for
        label shift of Lipton et al. 2018, with a small ridge towards m.)
        """
        units, classes, _ = self.values.shape
        members = [np.flatnonzero(origin == condition) for condition in range(origins)]
        totals = [
            (weights[:, own] @ self.values[own].reshape(len(own), -1)).reshape(-1, classes, SIZE)
            for own in members
        ]
        sums = np.stack(totals, axis=1)
        label_counts = self.confusion.sum(axis=2)
        counts = np.stack([weights[:, own] @ label_counts[own] for own in members], axis=1)
        overall = sums.sum(axis=1) / np.maximum(counts.sum(axis=1), 1.0)[:, :, None]
        by_label = (sums + _PRIOR_WINDOWS * overall[:, None]) / (counts + _PRIOR_WINDOWS)[..., None]
        called = (weights @ self.confusion.reshape(units, -1)).reshape(-1, classes, classes)
        called = called / np.maximum(called.sum(axis=2, keepdims=True), 1.0)
        called = called[:, None]
        turned = np.swapaxes(called, -1, -2)
        missing = turned @ (by_label - called @ by_label)
        system = turned @ called + _RIDGE * np.eye(classes)
        return np.asarray(by_label + np.linalg.solve(system, missing))


def _within(sample: Sample, means: Floats) -> Floats:
    """Covariance of single windows by predicted class, drawn towards that of all."""
    left = sample.values - means[sample.conditions, sample.predicted]
    pooled = np.cov(left.T)
    found = np.empty((sample.classes, SIZE, SIZE))
    for name in range(sample.classes):
        own = left[sample.predicted == name]
        centred = own - own.mean(axis=0) if len(own) else own
        found[name] = (centred.T @ centred + _POOLED_WINDOWS * pooled) / (
            len(own) + _POOLED_WINDOWS
        )
    return found
