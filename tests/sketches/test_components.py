"""Smooth components: orthonormal under the reference, and they say what moved."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.drift_world import counts, reference, windows
from tinyops.sketches.components import (
    CELLS,
    Components,
    cells_of,
    cells_of_windows,
    smooth_basis,
)


@pytest.mark.parametrize(
    "probabilities", [[0.125] * 8, [0.3, 0.01, 0.1, 0.2, 0.05, 0.04, 0.2, 0.1]]
)
def test_the_basis_is_orthonormal_under_the_probabilities(probabilities: list[float]) -> None:
    basis = smooth_basis(probabilities)
    weights = np.array(probabilities)[:, None]
    assert np.abs((weights * basis).sum(axis=0)).max() < 1e-12
    assert np.allclose(basis.T @ (weights * basis), np.eye(3), atol=1e-12)


def test_components_are_location_spread_and_skew() -> None:
    location, spread, skew = smooth_basis([0.125] * 8).T
    assert (np.diff(location) > 0).all()
    assert spread[0] == pytest.approx(spread[7])
    assert spread[0] > 0 > spread[3]
    assert skew[7] == pytest.approx(-skew[0])
    assert skew[7] > 0


def test_counts_and_windows_give_the_same_components() -> None:
    found = windows(1, range(20))
    spec, made = reference(found)
    cells = cells_of_windows(spec, spec.features(found.x))
    counted = counts(spec, found, slice(0, 100))
    assert cells.shape == (320, CELLS)
    assert np.array_equal(cells[:100].sum(axis=0), cells_of(counted))
    whole = made.inputs.components.of(cells.mean(axis=0))
    assert whole.shape == (12,)
    # Not 0: the reference was counted as if its windows had not been in it.
    assert np.abs(whole).max() < 0.3
    assert np.allclose(
        made.inputs.components.of(cells[:100]).mean(axis=0),
        made.inputs.components.of(cells_of(counted) / 100),
    )


def test_what_the_reference_never_had_is_rare_and_not_impossible() -> None:
    cells = np.zeros((50, CELLS))
    cells[:, [0, 8, 16]] = 1
    components = Components.of_reference(cells, 3)
    assert components.probabilities.min() > 0
    new = np.zeros(CELLS)
    new[[7, 8, 16, 24]] = 1
    values = components.of(new)
    assert np.isfinite(values).all()
    assert components.each == 4
    assert values[3] > 5


def test_a_histogram_without_range_has_three_components() -> None:
    components = Components.of_reference(np.eye(8)[np.arange(80) % 8], 1)
    assert (components.each, components.matrix.shape) == (3, (8, 3))
    assert np.allclose(components.of(np.full(8, 0.125)), 0.0, atol=1e-12)
