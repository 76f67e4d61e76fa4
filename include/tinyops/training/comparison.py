"""Challenger and champion on the same windows: all, those the champion knew, those new to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.data.datasets.dataset import open_dataset
from tinyops.frontend import Frontend, FrontendSpec
from tinyops.projects import Project
from tinyops.store import Store, layout
from tinyops.training.evaluate import Evaluation, evaluate, int8_classes
from tinyops.training.windows import WindowSet


@dataclass(frozen=True)
class Pair:
    """Figures of both int8 models on the same windows, under the newest labels."""

    challenger: Evaluation
    champion: Evaluation

    def loss(self, metric: str) -> float:
        """How far the challenger is below the champion; negative where it is better."""
        return float(getattr(self.champion, metric)) - float(getattr(self.challenger, metric))

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {"challenger": self.challenger.to_dict(), "champion": self.champion.to_dict()}


@dataclass(frozen=True)
class Comparison:
    """A challenger beside the champion on the test part of the challenger's dataset.

    Parameters
    ----------
    whole
        On all test windows.
    old, new
        On those of recordings that the champion's dataset had, and on the others, with macro F1
        over the classes that occur there; None where there are none.
    """

    whole: Pair
    old: Pair | None
    new: Pair | None


def comparison_metrics(found: Comparison | None, metric: str) -> dict[str, Any]:
    """`champion`, `old_test` and `new_condition` of metrics.json; None for what there is not.

    `old_test.forgetting` is what the challenger loses of the metric, negative for a gain.
    """
    old, new = (found.old, found.new) if found else (None, None)
    return {
        "champion": found.whole.champion.to_dict() if found else None,
        "old_test": old.to_dict() | {"forgetting": old.loss(metric)} if old else None,
        "new_condition": new.to_dict() if new else None,
    }


def compare(
    store: Store,
    project: Project,
    champion: str,
    test: WindowSet,
    predicted: NDArray[np.int64],
    frontend: Frontend,
) -> Comparison | None:
    """Hold a challenger's classes [n] of the test windows against those of an earlier candidate.

    None where it cannot be compared: it is gone, or another frontend or other labels made it.
    """
    manifest = store.get_json_or(layout.candidate_manifest(project.name, champion), None)
    if manifest is None or manifest["labels"] != project.labels:
        return None
    if FrontendSpec.from_dict(manifest["frontend"]) != frontend.spec:
        return None
    model = store.get(layout.candidate(project.name, champion) + layout.MODEL)
    other = int8_classes(model, test.features)
    rows = open_dataset(store, project, manifest["dataset"]).index()
    known = np.isin(test.recordings, [row.recording_id for row in rows])

    def pair(mask: NDArray[np.bool_]) -> Pair:
        labels, groups = test.labels[mask], test.groups[mask]
        part = not mask.all()
        return Pair(
            evaluate(labels, predicted[mask], groups, project.labels, of_present=part),
            evaluate(labels, other[mask], groups, project.labels, of_present=part),
        )

    return Comparison(
        whole=pair(np.ones(len(test), dtype=bool)),
        old=pair(known) if known.any() else None,
        new=pair(~known) if not known.all() else None,
    )
