"""Whether a candidate may replace the champion: three rules of project.yaml's `objective`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyops.frontend import Frontend, FrontendSpec
from tinyops.projects import Project
from tinyops.projects.schema import Objective
from tinyops.store import Store, layout
from tinyops.training.evaluate import Evaluation, evaluate, int8_logits
from tinyops.training.windows import WindowSet


@dataclass(frozen=True)
class Verdict:
    """`status` is first, better or worse; a worse one says why in `reason`."""

    status: str
    reason: str = ""


def judge(
    objective: Objective, floating: Evaluation, int8: Evaluation, champion: Evaluation | None
) -> Verdict:
    """Compare on the test part of one dataset version; the int8 model counts."""
    metric = objective.metric
    score, before = float(getattr(int8, metric)), float(getattr(floating, metric))
    if score < objective.minimum:
        reason = f"{metric} {score:.3f} (int8) is below the minimum {objective.minimum}"
        return Verdict("worse", reason)
    if before - score > objective.int8_loss:
        reason = f"int8 loses {before - score:.3f} {metric}, allowed are {objective.int8_loss}"
        return Verdict("worse", reason)
    if champion is None:
        return Verdict("first")
    best = float(getattr(champion, metric))
    if score < best - objective.allowed_regression:
        reason = f"{metric} {score:.3f} is below the champion's {best:.3f} on the same data"
        return Verdict("worse", reason)
    return Verdict("better")


def evaluate_candidate(
    store: Store, project: Project, run: str, test: WindowSet, frontend: Frontend
) -> Evaluation | None:
    """An earlier candidate's int8 figures on these windows.

    None where it cannot be compared: it is gone, or another frontend or other labels made it.
    """
    manifest = store.get_json_or(layout.candidate_manifest(project.name, run), None)
    if manifest is None or manifest["labels"] != project.labels:
        return None
    if FrontendSpec.from_dict(manifest["frontend"]) != frontend.spec:
        return None
    model = store.get(layout.candidate(project.name, run) + layout.MODEL)
    return evaluate_int8(model, test, project.labels)


def evaluate_int8(model: bytes, windows: WindowSet, names: list[str]) -> Evaluation:
    """Figures of an int8 model on windows."""
    predicted = int8_logits(model, windows.features).argmax(axis=1).astype(np.int64)
    return evaluate(windows.labels, predicted, windows.groups, names)


def headline(floating: Evaluation, int8: Evaluation, champion: Evaluation | None) -> dict[str, Any]:
    """The few figures that travel in events and XCom."""
    figures = {
        "macro_f1": round(int8.macro_f1, 4),
        "accuracy": round(int8.accuracy, 4),
        "float_macro_f1": round(floating.macro_f1, 4),
        "worst_group": int8.worst_group,
        "worst_group_f1": round(int8.worst_group_f1, 4),
        "windows": int8.windows,
    }
    if champion is not None:
        figures["champion_macro_f1"] = round(champion.macro_f1, 4)
    return figures
