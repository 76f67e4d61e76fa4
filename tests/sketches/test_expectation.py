"""T² on the scale of chi-squared, however many machines and classes a set is held against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, f

from tinyops.sketches.expectation import Expectation, as_chi_squared


@pytest.mark.parametrize(("size", "freedom"), [(3, 23.0), (12, 59.0), (12, 240.0), (16, 1e6)])
@pytest.mark.parametrize("rate", [0.5, 0.01, 1e-4])
def test_t2_becomes_the_chi_squared_of_the_same_p(size: int, freedom: float, rate: float) -> None:
    rest = freedom - size + 1
    t2 = size * freedom / rest * f.isf(rate, size, rest)
    found = as_chi_squared(np.array([t2]), size, np.array([freedom]))[0]
    assert chi2.sf(found, size) == pytest.approx(rate, rel=0.2)


def test_more_distance_is_always_more() -> None:
    t2 = np.geomspace(1e-6, 1e9, 400)
    for freedom in (1.0, 12.0, 59.0, 1e6):
        found = as_chi_squared(t2, 12, np.full(400, freedom))
        assert (np.diff(found) >= 0).all()
        assert np.isfinite(found).all()
        assert found[-1] > chi2.isf(1e-5, 12), "what is far enough is seen with any reference"


def expectation(units: float, spread: float, classes: int = 4) -> Expectation:
    """Of one condition; `spread` is the variance of means as estimates."""
    eye = np.eye(5)
    return Expectation(
        means=np.zeros((1, classes, 5)),
        within=np.tile(eye, (classes, 1, 1)),
        errors=np.tile(spread * eye, (1, classes, 1, 1)),
        mixing=np.zeros((classes, 5, 5)),
        within_freedom=np.full(classes, 1e9),
        errors_freedom=np.array([units]),
        windows=100,
    )


@pytest.mark.parametrize("called", [1, 2, 4])
def test_sets_of_several_classes_are_known_from_more(called: int) -> None:
    one = expectation(units=23, spread=1e3)
    classes = (np.arange(4) < called)[None] / called
    weights = np.ones((1, 1))
    freedom = one.freedom(one.covariances(classes, weights), classes, weights)
    assert freedom == pytest.approx(23 * called, rel=0.01)


def test_where_means_are_known_few_machines_cost_nothing() -> None:
    one = expectation(units=23, spread=1e-9)
    classes, weights = np.full((1, 4), 0.25), np.ones((1, 1))
    assert one.freedom(one.covariances(classes, weights), classes, weights) > 1e6


def test_what_one_class_leaves_unexplained_weighs_most_in_sets_of_that_class() -> None:
    square = np.outer(np.ones(5), np.ones(5))
    one = expectation(units=23, spread=1e-3)
    known = replace(one, mixing=np.stack([square, *np.zeros((3, 5, 5))]))
    found, weights = np.full((2, 5), 0.5), np.ones((2, 1))
    classes = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    before, after = (each.distances(found, classes, weights) for each in (one, known))
    assert after[0] / before[0] < 0.05
    assert after[0] / before[0] < 0.5 * after[1] / before[1]
