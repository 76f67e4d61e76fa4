"""Which labels are likely wrong: confident learning.

C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident Learning: Estimating Uncertainty in Dataset
Labels", JAIR 70 (2021). Probabilities come from models that have not seen the recording; a class's
threshold is the mean probability that its own recordings get for it; a recording that reaches
another class's threshold is counted there (the confident joint), and recordings are ranked by how
far their own class is behind the best other one (the paper's normalised margin).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.training.recipe import TrainingError
from tinyops.training.windows import WindowSet, spread

FOLDS = 5
TREES = 200
MOST_WINDOWS, MOST_VALUES = 50_000, 48 << 20
"""Trees are grown from at most so many windows, evenly over all, and so many of their values."""


@dataclass(frozen=True)
class Suspect:
    """One recording and what speaks against its label.

    `margin`: probability of its label less that of the best other class, -1 to 1; `confident`
    whether the confident joint counts it to `suggested`.
    """

    recording: str
    group: str
    label: str
    suggested: str
    margin: float
    confident: bool


@dataclass(frozen=True, eq=False)
class LabelQuality:
    """Recordings with the most suspicious label first.

    `joint` is the confident joint [label][class], scaled to the number of recordings (the paper's
    calibration): its off-diagonal share is `noise`, the estimated share of wrong labels. `held_out`
    says what was kept apart while probabilities were made: the split's groups or recordings.
    `agreement` is the share of recordings whose likeliest class is their label: where models do not
    know the classes, what they doubt says little.
    """

    suspects: tuple[Suspect, ...]
    joint: NDArray[np.float64]
    noise: float
    held_out: str
    agreement: float


def label_quality(
    windows: WindowSet,
    names: Sequence[str],
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> LabelQuality:
    """Rank the recordings of a window set by how likely their label is wrong.

    Parameters
    ----------
    windows
        All windows of one recording have its label.
    names
        The project's classes.

    Raises
    ------
    TrainingError
        A class has fewer recordings than there are folds: names it.
    """
    recordings, first, owner = np.unique(windows.recordings, return_index=True, return_inverse=True)
    labels, groups = windows.labels[first], windows.groups[first]
    held_out, folds = _folds(labels, groups, recordings, names, seed)
    probabilities = _out_of_fold(windows, folds[owner], len(names), seed, say)
    mean = np.zeros((len(recordings), len(names)))
    np.add.at(mean, owner, probabilities)
    mean /= np.bincount(owner)[:, None]
    suggested, confident, joint = confident_joint(mean, labels)
    margins = normalised_margin(mean, labels)
    order = np.argsort(margins, kind="stable")
    return LabelQuality(
        suspects=tuple(
            Suspect(
                recording=str(recordings[row]),
                group=str(groups[row]),
                label=names[labels[row]],
                suggested=names[suggested[row]],
                margin=float(margins[row]),
                confident=bool(confident[row]),
            )
            for row in order
        ),
        joint=joint,
        noise=float(1 - np.trace(joint) / joint.sum()),
        held_out=held_out,
        agreement=float((mean.argmax(axis=1) == labels).mean()),
    )


def confident_joint(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """The class that each recording is counted to, whether that is another one, and the joint.

    Parameters
    ----------
    probabilities
        float64 [n, C], out of sample.
    labels
        int64 [n].

    Returns
    -------
    suggested int64 [n] (the best class other than the label), other bool [n], joint float64 [C, C]:
    equations 1 to 3 of the paper, rows scaled to the number of recordings with that label.
    """
    classes = probabilities.shape[1]
    thresholds = np.array(
        [
            probabilities[labels == c, c].mean() if (labels == c).any() else np.inf
            for c in range(classes)
        ]
    )
    reached = probabilities >= thresholds
    counted = np.where(reached, probabilities, -1.0).argmax(axis=1)
    certain = reached.any(axis=1)
    joint = np.zeros((classes, classes))
    np.add.at(joint, (labels[certain], counted[certain]), 1)
    sizes = np.bincount(labels, minlength=classes)
    rows = joint.sum(axis=1)
    empty = (rows == 0) & (sizes > 0)
    joint[empty, empty] = 1
    joint *= (sizes / np.maximum(joint.sum(axis=1), 1))[:, None]
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1
    return others.argmax(axis=1), certain & (counted != labels), joint


def normalised_margin(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability of the label less that of the best other class, float64 [n]."""
    rows = np.arange(len(labels))
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    return np.asarray(probabilities[rows, labels] - others.max(axis=1))


def _folds(
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    recordings: NDArray[np.str_],
    names: Sequence[str],
    seed: int,
) -> tuple[str, NDArray[np.int64]]:
    """The fold of each recording. By group where every class has enough of them: a model that knows
    the machine may have learnt its wrong label."""
    from sklearn.model_selection import StratifiedGroupKFold

    counts = np.bincount(labels, minlength=len(names))
    for name, count in zip(names, counts, strict=True):
        if 0 < count < FOLDS:
            raise TrainingError(
                f"class {name} has {count} recordings: too few to judge its labels",
                f"at least {FOLDS} are needed",
            )
    by_group = all(
        len(np.unique(groups[labels == c])) >= FOLDS for c in range(len(names)) if counts[c]
    )
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    folds = np.zeros(len(labels), np.int64)
    kept_apart = groups if by_group else recordings
    for number, (_, held) in enumerate(splitter.split(labels, labels, kept_apart)):
        folds[held] = number
    return "groups" if by_group else "recordings", folds


def _out_of_fold(
    windows: WindowSet,
    folds: NDArray[np.int64],
    classes: int,
    seed: int,
    say: Callable[[str], object],
) -> NDArray[np.float64]:
    """float64 [windows, C] of models that were trained on the other folds."""
    from sklearn.ensemble import ExtraTreesClassifier

    features = windows.features.reshape(len(windows), -1)
    most = max(1, min(MOST_WINDOWS, MOST_VALUES // features.shape[1]))
    probabilities = np.zeros((len(windows), classes))
    for fold in range(FOLDS):
        say(f"fold {fold + 1} of {FOLDS}")
        held = folds == fold
        model = ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=seed)
        learnt, asked = spread(np.flatnonzero(~held), most), np.flatnonzero(held)
        model.fit(features[learnt], windows.labels[learnt])
        for start in range(0, len(asked), most):
            rows = asked[start : start + most]
            probabilities[np.ix_(rows, model.classes_)] = model.predict_proba(features[rows])
    return probabilities
