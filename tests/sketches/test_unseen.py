"""Reference windows counted as if they had not been in the reference."""

from __future__ import annotations

import numpy as np
import pytest

from tinyops.sketches.sketch import build_sketch
from tinyops.sketches.unseen import beyond_others, folds_of, unseen_features

VALUES = 400


def motors(
    seed: int, count: int, each: int = 10, spread: tuple[int, int] = (16, 16)
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of motors in many dimensions that differ more than their windows do, and motors."""
    rng = np.random.default_rng(seed)
    plane = np.random.default_rng(99).normal(0, 0.6, (2, VALUES))
    own = rng.normal(0, 8, (count, VALUES)) + rng.normal(0, spread, (count, 2)) @ plane
    x = np.repeat(own, each, axis=0) + rng.normal(0, 4, (count * each, VALUES))
    return np.clip(np.rint(x), -128, 127).astype(np.int8), np.repeat(np.arange(count), each)


def test_units_stay_together() -> None:
    units = np.repeat(np.arange(50), 3) * 7
    folds = folds_of(units)
    assert all(len(set(folds[units == unit])) == 1 for unit in units)
    assert set(folds) == set(range(20))
    assert set(folds_of(np.array([5, 5, 9]))) == {0, 1}


def test_without_cross_fitting_other_motors_seem_to_have_drifted() -> None:
    x, own = motors(1, 30)
    others = motors(2, 600, 1)[0]
    spec = build_sketch(x, np.arange(300), every=1, frame_windows=64)
    theirs = spec.features(others)
    ours = {
        "as they are": spec.features(x),
        "unseen": unseen_features(x, spec.weights, folds_of(own)),
    }
    rest = {name: features[:, 2].mean() / theirs[:, 2].mean() for name, features in ours.items()}
    assert rest["as they are"] < 0.96
    assert rest["unseen"] == pytest.approx(1.0, abs=0.03)
    spread = {name: found[:, 1].std() / theirs[:, 1].std() for name, found in ours.items()}
    assert abs(spread["unseen"] - 1) < abs(spread["as they are"] - 1)


def test_where_the_plane_is_clear_features_are_those_of_the_sketch() -> None:
    x, own = motors(1, 30, spread=(60, 30))
    spec = build_sketch(x, np.arange(300), every=1, frame_windows=64)
    plain, unseen = spec.features(x), unseen_features(x, spec.weights, folds_of(own))
    for feature in range(2):
        assert np.corrcoef(plain[:, feature], unseen[:, feature])[0, 1] > 0.98


def test_of_other_motors_the_stated_share_is_beyond() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(0, 1000, (4000, 3)).astype(np.int32)
    found = beyond_others(features, folds_of(np.arange(4000)), 0.01)
    assert found.mean() == pytest.approx(0.02, abs=0.004)
    apart = features + np.repeat([[0], [20_000]], 2000, axis=0).astype(np.int32)
    assert beyond_others(apart, np.repeat([0, 1], 2000), 0.01).all()


def test_one_unit_goes_by_itself() -> None:
    x, _ = motors(1, 1, 40)
    spec = build_sketch(x, np.arange(40), every=1, frame_windows=16, units=np.zeros(40, int))
    found = unseen_features(x, spec.weights, np.zeros(40, int))
    assert np.isfinite(found).all()
    assert beyond_others(found, np.zeros(40, int), 0.05).sum(axis=0).tolist() == [4] * 3
