"""What a frame set says by itself. Pure: counts in, figures out."""

from __future__ import annotations

from dataclasses import dataclass

from tinyops.errors import TinyOpsError
from tinyops.monitoring.effects import FeatureEffect, effects_of
from tinyops.sketches.accuracy import Interval, estimate_accuracy
from tinyops.sketches.components import cells_of
from tinyops.sketches.reference import CONFIDENCE, Reference
from tinyops.sketches.sketch import Counts
from tinyops.sketches.view import Finding, View

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
    watched
        "inputs" or "confidence": where T² is highest, measured by its threshold. Together they
        exceed their thresholds without drift at `false_alarm_rate`.
    statistic, threshold
        T² there.
    p
        Upper bound of the p-value of both, from the Monte Carlo.
    conditions
        Shares of the reference's conditions in the best explanation of the inputs.
    moved
        Components more than three standard deviations off, the farthest first.
    expected, found
        The counts that are compared; expected ones of as many windows as the reference has.
    only_class
        The one class that all windows were called, where the reference has several; or "".
    """

    watched: str
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
    shares = counts.classes[:classes] / windows
    seen = {"inputs": (reference.inputs, cells_of(counts) / windows)}
    if reference.confidence:
        seen[CONFIDENCE] = (reference.confidence, counts.confidence / windows)
    findings = {name: (view, view.find(cells, shares)) for name, (view, cells) in seen.items()}
    watched = max(findings, key=lambda name: _relative(*findings[name]))
    view, finding = findings[watched]
    p = min(each.threshold.p_at_most(found.statistic) for each, found in findings.values())
    weights = findings["inputs"][1].weights
    expected = reference.expected(shares, weights)
    several = (reference.counts.classes > 0).sum() > 1
    moved = [each for pair in findings.values() for each in _moved(*pair)]
    return Evidence(
        watched=watched,
        statistic=finding.statistic,
        threshold=view.threshold.value,
        false_alarm_rate=reference.monitoring.false_alarm_rate,
        p=min(p * len(findings), 1.0),
        conditions={
            name: round(float(share), 4)
            for name, share in zip(reference.inputs.conditions, weights, strict=True)
        },
        moved=tuple(sorted(moved, key=lambda each: -abs(each.z))),
        effects=effects_of(expected, counts),
        estimated_accuracy=estimate_accuracy(reference.calibration, counts.confidence),
        expected=expected,
        found=counts,
        only_class=(
            reference.class_names[int(shares.argmax())] if several and shares.max() == 1 else ""
        ),
    )


def _relative(view: View, finding: Finding) -> float:
    return finding.statistic / view.threshold.value


def _moved(view: View, finding: Finding) -> list[Moved]:
    each = view.components.each
    return [
        Moved(
            view.features[at // each],
            (*_WORDS, _OUT)[at % each][int(score > 0)],
            float(score),
        )
        for at, score in enumerate(finding.scores)
        if abs(score) > _NOTABLE
    ]
