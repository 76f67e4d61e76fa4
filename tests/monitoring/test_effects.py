"""PSI and JS: the formulas, and what becomes of empty bins. Evidently is held to them elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.support.drift_world import counts, reference, windows
from tinyops.monitoring.effects import effects_of, jensen_shannon, psi


def test_psi_of_two_bins_by_hand() -> None:
    assert psi(np.array([50, 50]), np.array([30, 70])) == pytest.approx(
        -0.2 * math.log(0.3 / 0.5) + 0.2 * math.log(0.7 / 0.5)
    )


def test_jensen_shannon_of_two_bins_by_hand() -> None:
    assert jensen_shannon(np.array([1, 0]), np.array([0, 1])) == pytest.approx(
        math.sqrt(math.log(2))
    )
    p, q, m = (0.5, 0.5), (0.25, 0.75), (0.375, 0.625)
    kl = [sum(a * math.log(a / b) for a, b in zip(side, m, strict=True)) for side in (p, q)]
    found = jensen_shannon(np.array([2, 2]), np.array([1, 3]))
    assert found == pytest.approx(math.sqrt(sum(kl) / 2))


def test_the_same_shares_have_no_effect() -> None:
    row = np.array([3, 0, 5, 8, 1, 0, 0, 2])
    assert psi(row, 7 * row) == 0.0
    assert jensen_shannon(row, 7 * row) == pytest.approx(0.0, abs=1e-9)


def test_an_empty_bin_of_one_side_counts_as_a_ten_thousandth() -> None:
    found = psi(np.array([0, 100]), np.array([10, 90]))
    by_hand = (0.0001 - 0.1) * math.log(0.0001 / 0.1) + (1.0 - 0.9) * math.log(1.0 / 0.9)
    assert found == pytest.approx(by_hand)


def test_beside_a_very_rare_bin_an_empty_one_counts_as_a_millionth_of_it() -> None:
    rare = np.array([0, 1, 99_999])
    filler = 1e-5 / 1e6
    by_hand = (filler - 0.2) * math.log(filler / 0.2)
    by_hand += sum((p - q) * math.log(p / q) for p, q in ((1e-5, 0.4), (0.99999, 0.4)))
    assert psi(rare, np.array([1, 2, 2])) == pytest.approx(by_hand)


def test_a_bin_that_nobody_has_is_no_bin() -> None:
    assert psi(np.array([0, 4, 6]), np.array([0, 5, 5])) == psi(np.array([4, 6]), np.array([5, 5]))


def test_effects_tell_how_far_a_feature_moved() -> None:
    known = windows(1, range(40))
    spec, made = reference(known)
    moved = windows(2, range(500, 700), 1, spread=1.6)
    still, far = (
        effects_of(made.counts, counts(spec, each, slice(0, 200)))
        for each in (windows(3, range(500, 700), 1), moved)
    )
    assert max(effect.psi for effect in still) < 0.3 < far[2].psi
    assert max(effect.js for effect in still) < 0.2 < far[2].js
    assert far[2].shift > 2
    assert far[2].out_of_range > 0.05 > far[2].expected_out_of_range
