"""Figures of a model: macro F1, classes, confusion and the worst group; int8 as it will run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.litert import int8_logits


@dataclass(frozen=True)
class Evaluation:
    """Figures of one model on one set of windows.

    Parameters
    ----------
    confusion
        [true class][predicted class], counts.
    macro_f1
        See `evaluate`.
    per_class
        F1 of each class.
    worst_group, worst_group_f1
        The machine or person with the lowest macro F1 over the classes it has.
    """

    windows: int
    accuracy: float
    macro_f1: float
    per_class: dict[str, float]
    worst_group: str
    worst_group_f1: float
    confusion: list[list[int]]

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return asdict(self)


def f1_scores(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """F1 of each class; NaN for a class that neither occurs nor is predicted."""
    table = confusion(labels, predicted, classes)
    both = table.sum(axis=0) + table.sum(axis=1)
    hits = 2.0 * np.diag(table)
    return np.divide(hits, both, out=np.full(classes, np.nan), where=both > 0)


def macro_f1(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> float:
    """Mean F1 over all classes; one that neither occurs nor is predicted counts as 0.

    Nothing is known of how well a model tells a class that it was never shown.
    """
    return float(np.nan_to_num(f1_scores(labels, predicted, classes)).mean())


def _own_f1(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> float:
    """Mean F1 over the classes that occur: a class that one window was taken for does not count."""
    return float(np.mean(f1_scores(labels, predicted, classes)[np.unique(labels)]))


def confusion(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Counts [true][predicted]."""
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes)


def evaluate(
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    groups: NDArray[np.str_],
    names: Sequence[str],
    *,
    of_present: bool = False,
) -> Evaluation:
    """All figures of predictions [n] against labels [n].

    Macro F1 is the mean over all classes, where an absent one counts as 0; with `of_present`, as
    for a slice of a test part, over the classes that occur.
    """
    classes = len(names)
    scores = f1_scores(labels, predicted, classes)
    by_group = {
        str(group): _own_f1(labels[groups == group], predicted[groups == group], classes)
        for group in np.unique(groups)
    }
    worst = min(by_group, key=lambda group: by_group[group])
    return Evaluation(
        windows=len(labels),
        accuracy=float(np.mean(labels == predicted)),
        macro_f1=_own_f1(labels, predicted, classes)
        if of_present
        else macro_f1(labels, predicted, classes),
        per_class={
            name: 0.0 if np.isnan(score) else float(score)
            for name, score in zip(names, scores, strict=True)
        },
        worst_group=worst,
        worst_group_f1=by_group[worst],
        confusion=confusion(labels, predicted, classes).tolist(),
    )


def int8_classes(tflite: bytes, features: NDArray[np.int8]) -> NDArray[np.int64]:
    """Classes [n] by an int8 model; see int8_logits."""
    return int8_logits(tflite, features).argmax(axis=1).astype(np.int64)
