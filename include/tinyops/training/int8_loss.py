"""What int8 loses against float on the same windows: in all, by class, by slice, in the tail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.conversion.tflite.int8 import output_scale
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.projects.schema import Objective
from tinyops.training.evaluate import f1_scores, macro_f1
from tinyops.training.tail import TailLoss, tail_loss
from tinyops.training.windows import WindowSet

_CHANCE = 0.05


@dataclass(frozen=True, eq=False)
class Decisions:
    """What one model says of n windows.

    Parameters
    ----------
    classes
        int64 [n].
    scores
        [n], higher where a window is stranger; see `tail`.
    step
        What the device can tell apart in a score.
    """

    classes: NDArray[np.int64]
    scores: NDArray[np.floating]
    step: float = 1 / 256


@dataclass(frozen=True)
class PartLoss:
    """One class or slice: windows that only the float model gets right, and only the int8 one."""

    name: str
    windows: int
    float_right: int
    lost: int
    gained: int

    @property
    def share(self) -> float:
        """What int8 loses of its windows; negative for a gain."""
        return (self.lost - self.gained) / self.windows

    @property
    def chance(self) -> float:
        """How probable so large a loss is where the two models are equally good.

        The exact one-sided sign test of the windows on which they differ (Q. McNemar, Note on the
        sampling error of the difference between correlated proportions, Psychometrika 12, 1947).
        """
        differ = self.lost + self.gained
        return sum(math.comb(differ, k) for k in range(self.lost, differ + 1)) / 2**differ

    def exceeds(self, allowed: float) -> bool:
        """More is lost than allowed, and chance does not explain it: five windows at the least."""
        return self.share > allowed and self.chance <= _CHANCE

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self) | {"loss": self.share, "chance": self.chance}


@dataclass(frozen=True)
class Int8Loss:
    """Float minus int8 on one set of windows.

    Parameters
    ----------
    classes
        Of each class that occurs, by recall.
    f1
        Loss of F1 of each class; NaN is 0.
    slices
        Of each value of each slice, as `machine_id=motor_7`.
    """

    windows: int
    macro_f1: float
    accuracy: float
    classes: tuple[PartLoss, ...]
    f1: dict[str, float]
    slices: tuple[PartLoss, ...]
    tail: TailLoss | None

    @property
    def worst_class(self) -> PartLoss:
        """The class that loses most."""
        return worst(self.classes)

    @property
    def worst_slice(self) -> PartLoss:
        """The slice that loses most."""
        return worst(self.slices)

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self) | {
            "classes": [part.to_dict() for part in self.classes],
            "slices": [part.to_dict() for part in self.slices],
            "worst_class": self.worst_class.to_dict(),
            "worst_slice": self.worst_slice.to_dict(),
        }

    def figures(self, metric: str) -> dict[str, float | str]:
        """The few that travel: events, XCom, MLflow."""
        figures: dict[str, float | str] = {
            "int8_loss": round(float(getattr(self, metric)), 4),
            "int8_class_loss": round(self.worst_class.share, 4),
            "int8_worst_class": self.worst_class.name,
            "int8_slice_loss": round(self.worst_slice.share, 4),
            "int8_worst_slice": self.worst_slice.name,
        }
        if self.tail is not None:
            figures["tail_loss"] = round(self.tail.order, 4)
            if self.tail.separation is not None:
                figures["separation_loss"] = round(self.tail.separation, 4)
        return figures


def float_decisions(logits: NDArray[np.floating]) -> Decisions:
    """Of float logits [n, classes]; the score is 1 - the softmax's highest share."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Decisions(logits.argmax(axis=1).astype(np.int64), 1.0 - 1.0 / shares.sum(axis=1))


def int8_decisions(tflite: bytes, features: NDArray[np.int8]) -> Decisions:
    """Of an int8 model in LiteRT; the score is 1 - the confidence as the device computes it."""
    logits = int8_logits(tflite, features)
    confidences = confidences_q8(logits, exponent_table(output_scale(tflite)))
    return Decisions(logits.argmax(axis=1).astype(np.int64), 1.0 - confidences / 256)


def int8_loss(
    windows: WindowSet,
    floating: Decisions,
    int8: Decisions,
    names: Sequence[str],
    events: NDArray[np.bool_] | None = None,
) -> Int8Loss:
    """All figures of two models' decisions about the same windows.

    Parameters
    ----------
    names
        Of the classes.
    events
        bool [n], what the score shall find; without it, the windows that the float model has wrong.
    """
    labels, classes = windows.labels, len(names)
    before, after = floating.classes == labels, int8.classes == labels
    scores = [np.nan_to_num(f1_scores(labels, each.classes, classes)) for each in (floating, int8)]

    def part(name: str, mask: NDArray[np.bool_]) -> PartLoss:
        return PartLoss(
            name=name,
            windows=int(mask.sum()),
            float_right=int(before[mask].sum()),
            lost=int((before & ~after)[mask].sum()),
            gained=int((after & ~before)[mask].sum()),
        )

    slices = {"machine_id": windows.groups, **windows.conditions}
    return Int8Loss(
        windows=len(windows),
        macro_f1=macro_f1(labels, floating.classes, classes)
        - macro_f1(labels, int8.classes, classes),
        accuracy=float(before.mean() - after.mean()),
        classes=tuple(part(names[each], labels == each) for each in np.unique(labels)),
        f1=dict(zip(names, (scores[0] - scores[1]).tolist(), strict=True)),
        slices=tuple(
            part(f"{key}={value}", values == value)
            for key, values in slices.items()
            for value in np.unique(values)
        ),
        tail=tail_loss(
            floating.scores, int8.scores, ~before if events is None else events, int8.step
        ),
    )


def breaches(objective: Objective, loss: Int8Loss) -> list[str]:
    """What is lost beyond the objective, each with its figures and key; empty where nothing is."""
    found = []
    whole = float(getattr(loss, objective.metric))
    if whole > objective.int8_loss:
        found.append(
            f"int8 loses {whole:.3f} {objective.metric}, "
            f"allowed are {objective.int8_loss} (objective.int8_loss)"
        )
    for kind, parts, allowed in _parts(objective, loss):
        beyond = [part for part in parts if part.exceeds(allowed)]
        if beyond:
            part = worst(beyond)
            found.append(
                f"int8 loses {part.share:.3f} of {kind} {part.name} ({part.lost} of the "
                f"{part.float_right} windows that float has right, {part.gained} gained, of "
                f"{part.windows}), allowed are {allowed} (objective.int8_{kind}_loss)"
            )
    tail = loss.tail
    if tail is not None and tail.order > objective.tail_loss:
        found.append(
            f"int8 flattens the tail: {tail.order:.3f} of the order among the {tail.windows} "
            f"strangest windows is lost, allowed are {objective.tail_loss} (objective.tail_loss)"
        )
    if tail is not None and (tail.separation or 0.0) > objective.separation_loss:
        found.append(
            f"the int8 score tells less: partial AUC falls from {tail.float_separation:.3f} to "
            f"{tail.int8_separation:.3f}, allowed are {objective.separation_loss} "
            f"(objective.separation_loss)"
        )
    return found


def severity(objective: Objective, loss: Int8Loss) -> float:
    """The worst of all losses as a multiple of what is allowed: of two models, less is better.

    A class or slice whose loss may be chance counts as 1 at most.
    """
    tail = loss.tail
    found = [
        _times(float(getattr(loss, objective.metric)), objective.int8_loss),
        _times(tail.order if tail else 0.0, objective.tail_loss),
        _times((tail.separation or 0.0) if tail else 0.0, objective.separation_loss),
    ]
    for _, parts, allowed in _parts(objective, loss):
        for part in parts:
            times = _times(part.share, allowed)
            found.append(times if part.exceeds(allowed) else min(times, 1.0))
    return max(found)


def worst(parts: Sequence[PartLoss]) -> PartLoss:
    """The one that loses the largest share."""
    return max(parts, key=lambda part: part.share)


def _parts(
    objective: Objective, loss: Int8Loss
) -> tuple[tuple[str, tuple[PartLoss, ...], float], ...]:
    return (
        ("class", loss.classes, objective.int8_class_loss),
        ("slice", loss.slices, objective.int8_slice_loss),
    )


def _times(lost: float, allowed: float) -> float:
    return lost / max(allowed, 1e-6)
