"""The tail's figures: definitions against other implementations, and what they must notice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import somersd
from sklearn.metrics import roc_auc_score

from tinyops.training.tail import LEAST, partial_auc, somers_d, tail_loss


@pytest.mark.parametrize("levels", [3, 1000])
def test_figures_are_those_of_scipy_and_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(0)
    given = rng.normal(size=200)
    scores = np.rint((given + rng.normal(size=200)) * levels) / levels
    assert somers_d(given, scores) == pytest.approx(somersd(given, scores).statistic)
    events = given + rng.normal(size=200) > 1
    for most in (0.02, 0.1, 0.5):
        wanted = roc_auc_score(events, scores, max_fpr=most)
        assert partial_auc(scores, events, most) == pytest.approx(wanted)


def scores(count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    events = rng.random(count) < 0.05
    return rng.exponential(size=count) + 4 * events, events


def test_what_keeps_the_order_loses_nothing() -> None:
    floating, events = scores()
    for same in (floating, 7 * floating - 3, np.exp(floating)):
        found = tail_loss(floating, same, events)
        assert found is not None
        assert found.windows == 50
        assert found.order == 0
        assert found.separation == 0


def test_a_flat_tail_loses_order_and_a_buried_one_separation() -> None:
    floating, events = scores()
    saturated = np.minimum(floating, 4.0)  # above all but some normal windows
    found = tail_loss(floating, saturated, events)
    assert found is not None
    assert found.order == 1
    assert found.separation is not None
    assert found.separation < 0.05
    buried = np.minimum(floating, 1.0)  # a third of the normal windows are as high
    found = tail_loss(floating, buried, events)
    assert found is not None
    assert found.separation is not None
    assert found.separation > 0.4
    reversed_ = tail_loss(floating, -floating, events)
    assert reversed_ is not None
    assert reversed_.order == 1


def test_coarser_scores_lose_more() -> None:
    floating, events = scores()
    losses = []
    for step in (0.01, 0.3, 1.0, 3.0):
        found = tail_loss(floating, np.rint(floating / step) * step, events)
        assert found is not None
        losses.append(found.order)
    assert losses == sorted(losses)
    assert losses[0] < 0.05 < 0.5 < losses[-1]


def test_no_figure_of_too_little() -> None:
    floating, events = scores(2 * LEAST - 1)
    assert tail_loss(floating, floating, events) is None
    floating, events = scores(2 * LEAST)
    found = tail_loss(floating, floating, events)
    assert found is not None
    assert found.separation is None
    # Of a model that is sure of everything there is no order to lose.
    sure = tail_loss(floating * 1e-6, np.zeros_like(floating), events, step=1 / 256)
    assert sure is not None
    assert sure.order == 0
