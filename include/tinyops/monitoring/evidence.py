"""What a frame set says by itself. Pure: counts in, figures out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinyops.errors import TinyOpsError
from tinyops.monitoring.accuracy import Interval, estimate_accuracy
from tinyops.monitoring.components import FEATURE_NAMES, PER_FEATURE, Floats, cells_of
from tinyops.monitoring.effects import FeatureEffect, effects_of
from tinyops.monitoring.reference import Reference
from tinyops.monitoring.sketch import Counts

_NOTABLE = 3.0
_WORDS = (("lower", "higher"), ("narrower", "wider"), ("skewed down", "skewed up"))
_OUT = ("less often out of range", "more often out of range")


@dataclass(frozen=True)
class Moved:
    """A component that differs: `z` in standard deviations of a frame set without drift."""

    feature: str
    how: str
    z: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """Figures of one frame set.

    Parameters
    ----------
    statistic, threshold
        T², and what it exceeds without drift at `false_alarm_rate` only.
    p
        Upper bound of its p-value, from the Monte Carlo.
    conditions
        Shares of the reference's conditions in the best explanation.
    moved
        Components more than three standard deviations off, the farthest first.
    expected, found
        The counts that are compared; expected ones of as many windows as the reference has.
    only_class
        The one class that all windows were called, where the reference has several; or "".
    """

    statistic: float
    threshold: float
    false_alarm_rate: float
    p: float
    conditions: dict[str, float]
    moved: tuple[Moved, ...]
    effects: tuple[FeatureEffect, ...]
    estimated_accuracy: Interval
    expected: Counts
    found: Counts
    only_class: str

    @property
    def drifted(self) -> bool:
        """Whether the inputs moved."""
        return self.statistic > self.threshold


def judge_frame_set(reference: Reference, counts: Counts) -> Evidence:
    """Hold the counts of a whole frame set against the reference.

    Raises
    ------
    TinyOpsError
        The set has another number of windows than the threshold is for, or a class that the model
        does not have.
    """
    windows, classes = reference.monitoring.set_windows, reference.classes
    if counts.n != windows or counts.classes[:classes].sum() != windows:
        raise TinyOpsError(
            f"a frame set of {counts.n} windows, {int(counts.classes[:classes].sum())} of them in "
            f"the {classes} classes, for a reference of {windows}",
            "give whole frame sets of the reference's own release",
        )
    found = reference.components.of(cells_of(counts) / windows)[None]
    shares = counts.classes[None, :classes] / windows
    statistic, weights = reference.expectation.nearest(found, shares)
    expected = reference.expected(shares[0], weights[0])
    several = (reference.counts.classes > 0).sum() > 1
    return Evidence(
        statistic=float(statistic[0]),
        threshold=reference.threshold.value,
        false_alarm_rate=reference.monitoring.false_alarm_rate,
        p=reference.threshold.p_at_most(float(statistic[0])),
        conditions={
            name: round(float(share), 4)
            for name, share in zip(reference.conditions, weights[0], strict=True)
        },
        moved=_moved(reference, found, shares, weights),
        effects=effects_of(expected, counts),
        estimated_accuracy=estimate_accuracy(reference.calibration, counts.confidence),
        expected=expected,
        found=counts,
        only_class=(
            reference.class_names[int(shares.argmax())] if several and shares.max() == 1 else ""
        ),
    )


def _moved(
    reference: Reference, found: Floats, shares: Floats, weights: Floats
) -> tuple[Moved, ...]:
    expectation = reference.expectation
    left = expectation.residuals(found, shares, weights)[0]
    spread = np.sqrt(np.diag(expectation.covariances(shares, weights)[0]))
    scores = left / spread
    notable = [int(at) for at in np.argsort(-np.abs(scores)) if abs(scores[at]) > _NOTABLE]
    return tuple(
        Moved(
            FEATURE_NAMES[at // PER_FEATURE],
            (*_WORDS, _OUT)[at % PER_FEATURE][int(scores[at] > 0)],
            float(scores[at]),
        )
        for at in notable
    )
