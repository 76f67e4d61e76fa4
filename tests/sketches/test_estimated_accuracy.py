"""Accuracy from confidence bins, and the test of labelled windows against it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from tinyops.monitoring.residuals import Residual, residual_of
from tinyops.sketches.accuracy import calibrate, design_effect, estimate_accuracy

TRUE = np.array([0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.98])
RNG = np.random.default_rng


def made(rng: np.random.Generator, recordings: int, each: int, together: float = 0.0) -> tuple:
    """Windows in recordings: bins, right, recording. `together`: how often a window is right or
    wrong as its recording is, which leaves each window's chance as it is."""
    n = recordings * each
    bins, owner = rng.integers(0, 8, n), np.repeat(np.arange(recordings), each)
    luck = np.where(rng.random(n) < together, rng.random(recordings)[owner], rng.random(n))
    return bins, luck < TRUE[bins], owner


CALIBRATION = calibrate(*made(RNG(0), 1500, 4))


def test_accuracies_are_those_of_the_bins() -> None:
    assert np.abs(CALIBRATION.accuracies - TRUE).max() < 0.06
    assert CALIBRATION.correlation < 0.03


def test_the_estimate_follows_the_confidences_and_its_interval_covers() -> None:
    rng, covered = RNG(1), 0
    for _ in range(200):
        mix = rng.dirichlet(np.ones(8))
        bins = rng.choice(8, 128, p=mix)
        truth = float((rng.random(128) < TRUE[bins]).mean())
        found = estimate_accuracy(CALIBRATION, np.bincount(bins, minlength=8))
        assert found.low <= found.value <= found.high
        covered += found.low <= truth <= found.high
    assert binom.ppf(0.001, 200, 0.95) <= covered <= binom.ppf(0.999, 200, 0.97)


def test_an_empty_bin_has_the_accuracy_of_all() -> None:
    bins = np.repeat([6, 7], 50)
    found = calibrate(bins, np.arange(100) % 5 > 0, np.arange(100))
    assert found.accuracies[0] == pytest.approx(81 / 102)


def test_windows_of_a_recording_that_fail_together_are_noticed() -> None:
    alone, together = (calibrate(*made(RNG(2), 400, 8, share)) for share in (0.0, 0.7))
    assert alone.correlation < 0.05
    shared = np.minimum.outer(TRUE, TRUE) - np.multiply.outer(TRUE, TRUE)
    by_hand = 0.7**2 * shared.mean() / (TRUE * (1 - TRUE)).mean()
    assert together.correlation == pytest.approx(by_hand, abs=0.06)
    assert together.variances.sum() > 2 * alone.variances.sum()
    assert design_effect(0.5, 8.0) == pytest.approx(4.5)
    assert design_effect(0.5, 1.0) == 1.0


def test_one_recording_is_no_reason_to_divide_by_zero() -> None:
    found = calibrate(np.array([3]), np.array([True]), np.array([0]))
    assert found.correlation == 0.0
    assert np.isfinite(found.variances).all()


def residual(
    bins: np.ndarray, right: np.ndarray, owner: np.ndarray, alpha: float = 0.01
) -> Residual:
    return residual_of(CALIBRATION, bins, right, owner, alpha, 20)


def test_z_by_hand() -> None:
    bins, right = np.full(50, 7), np.arange(50) % 2 == 0
    found = residual(bins, right, np.arange(50))
    share, error = CALIBRATION.accuracies[7], CALIBRATION.variances[7]
    by_hand = (25 - 50 * share) / math.sqrt(50 * share * (1 - share) + 2500 * error)
    assert found.z == pytest.approx(by_hand)
    assert (found.labels, found.recordings, found.accuracy) == (50, 50, 0.5)
    assert found.expected == pytest.approx(share)
    assert found.moved


@pytest.mark.parametrize(
    "chosen", [slice(0, 8), slice(0, 2), slice(6, 8)], ids=["all", "un", "sure"]
)
def test_labels_may_be_chosen_by_confidence(chosen: slice) -> None:
    """Without drift the test fails at its level, whatever confidences were labelled."""
    rng, moved = RNG(3), 0
    picked = np.arange(8)[chosen]
    for _ in range(400):
        bins = rng.choice(picked, 60)
        moved += residual(bins, rng.random(60) < TRUE[bins], np.arange(60)).moved
    assert moved <= binom.ppf(0.999, 400, 0.01)


def test_labels_of_few_recordings_count_for_less() -> None:
    together = calibrate(*made(RNG(4), 400, 8, 0.7))
    rng = RNG(5)
    moved = {"as they are": 0, "as if alone": 0}
    for _ in range(300):
        bins, right, owner = made(rng, 8, 8, 0.7)
        for name, own in (("as they are", owner), ("as if alone", np.arange(64))):
            moved[name] += residual_of(together, bins, right, own, 0.01, 20).moved
    assert moved["as they are"] <= binom.ppf(0.999, 300, 0.02) < moved["as if alone"]


@pytest.mark.parametrize(("labels", "least"), [(50, 0.5), (200, 0.97)])
def test_a_changed_meaning_is_found_with_labels_enough(labels: int, least: float) -> None:
    """A quarter of the windows means something else: about 16 points of accuracy."""
    rng, found = RNG(6), 0
    for _ in range(100):
        bins = rng.integers(0, 8, labels)
        right = (rng.random(labels) < TRUE[bins]) & (rng.random(labels) > 0.25)
        found += residual(bins, right, np.arange(labels)).moved
    assert found >= 100 * least


def test_too_few_labels_decide_nothing() -> None:
    wrong = residual(np.full(19, 7), np.zeros(19, bool), np.arange(19))
    assert wrong.z < -5
    assert not wrong.moved
    assert residual(np.full(20, 7), np.zeros(20, bool), np.arange(20)).moved
