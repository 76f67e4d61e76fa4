"""How far the tail of an int8 model's score follows the float model's: order and separation.

A score is higher where a window is stranger: 1 - confidence of a classifier, or the anomaly score
of a model that gives one. Both figures look at order only, so neither a temperature nor a threshold
that is set anew for the int8 model changes them; what they cannot forgive is information that is
gone, as when the int8 output saturates or is too coarse and windows of different score become one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHARE = 0.05
"""The tail: this share of the windows, those with the highest float score."""
LEAST = 40
"""But at least so many windows: with fewer, chance moves the order by more than 0.1."""
FALSE_ALARMS = 0.1
"""Separation is measured at false-alarm rates up to this one, as in DCASE 2020 task 2."""
LEAST_EVENTS = 20


@dataclass(frozen=True)
class TailLoss:
    """What the tail loses from float to int8.

    Parameters
    ----------
    windows
        In the tail.
    order
        1 - Somers' D of the int8 score given the float score within the tail: 0 where int8 keeps
        the order of all pairs, 1 where it keeps none (a flat tail); at most 1.
    separation
        Float minus int8 of the partial AUC with which the score tells events from other windows;
        None where there are fewer than LEAST_EVENTS of either.
    float_separation, int8_separation
        These areas: 0.5 is chance, 1 perfect.
    """

    windows: int
    order: float
    separation: float | None = None
    float_separation: float | None = None
    int8_separation: float | None = None


def tail_loss(
    floating: NDArray[np.floating],
    int8: NDArray[np.floating],
    events: NDArray[np.bool_],
    step: float = 0.0,
) -> TailLoss | None:
    """Compare scores [n] of the same windows; None for fewer than 2 * LEAST windows.

    Parameters
    ----------
    events
        bool [n]: what the score shall find. Faulty windows for an anomaly score; for a classifier,
        the windows that the float model takes for the wrong class. The same for both scores, so
        that their difference is the scores' alone.
    step
        Windows whose float scores differ by no more have no order that could be lost: where a float
        model is sure of everything, its tail is too.
    """
    if len(floating) < 2 * LEAST:
        return None
    size = max(LEAST, round(SHARE * len(floating)))
    tail = np.argsort(-floating, kind="stable")[:size]
    order = 1.0 - max(0.0, somers_d(floating[tail], int8[tail], step))
    if min(events.sum(), (~events).sum()) < LEAST_EVENTS:
        return TailLoss(size, order)
    before, after = (partial_auc(score, events) for score in (floating, int8))
    return TailLoss(size, order, before - after, before, after)


def somers_d(given: NDArray[np.floating], scores: NDArray[np.floating], step: float = 0.0) -> float:
    """Somers' D of `scores` given `given` [n]: (concordant - discordant) / pairs untied in `given`.

    Pairs tied in `scores` alone count as lost; 1 where `given` has no pair more than `step` apart.
    R. H. Somers, A new asymmetric measure of association for ordinal variables, Am. Sociol. Rev. 27
    (1962).
    """
    more = given[:, None] - given[None, :] > step
    pairs = int(more.sum())
    signs = np.sign(scores[:, None] - scores[None, :])
    return float(signs[more].sum() / pairs) if pairs else 1.0


def partial_auc(
    scores: NDArray[np.floating], events: NDArray[np.bool_], most: float = FALSE_ALARMS
) -> float:
    """Area under the ROC curve up to a false-alarm rate, standardised to 0.5 for chance.

    D. K. McClish, Analyzing a portion of the ROC curve, Med. Decis. Making 9 (1989). Tied scores
    form one straight piece of the curve. Own, as scikit-learn's import takes longer than all else
    that a comparison does; a test holds it to scikit-learn's figure.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.append(0, np.cumsum(events[order])[last]) / events.sum()
    alarms = np.append(0, np.cumsum(~events[order])[last]) / (~events).sum()
    stop = np.searchsorted(alarms, most, side="right")
    edge = np.interp(most, alarms, hits)
    area = np.trapezoid(np.append(hits[:stop], edge), np.append(alarms[:stop], most))
    chance = most * most / 2
    return float(0.5 * (1 + (area - chance) / (most - chance)))
