"""Whether a candidate may replace the champion: the rules of project.yaml's `objective`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyops.projects.schema import Objective
from tinyops.training.comparison import Comparison
from tinyops.training.evaluate import Evaluation
from tinyops.training.int8_loss import Int8Loss, breaches


@dataclass(frozen=True)
class Verdict:
    """`status` is first, better or worse; a worse one says why in `reason`."""

    status: str
    reason: str = ""


def judge(
    objective: Objective, int8: Evaluation, loss: Int8Loss, comparison: Comparison | None
) -> Verdict:
    """Judge by the test part of one dataset version; the int8 model counts.

    Against the float model it may not lose more than is allowed, in all or in any class, slice or
    in the tail. The champion is to be met on the whole part, and on what it knew nothing may be
    forgotten.
    """
    metric = objective.metric
    score = float(getattr(int8, metric))
    if score < objective.minimum:
        reason = f"{metric} {score:.3f} (int8) is below the minimum {objective.minimum}"
        return Verdict("worse", reason)
    if reasons := breaches(objective, loss):
        return Verdict("worse", "; ".join(reasons))
    if comparison is None:
        return Verdict("first")
    best = float(getattr(comparison.whole.champion, metric))
    if score < best - objective.allowed_regression:
        reason = f"{metric} {score:.3f} is below the champion's {best:.3f} on the same data"
        return Verdict("worse", reason)
    forgetting = comparison.old.loss(metric) if comparison.old else 0.0
    if forgetting > objective.allowed_forgetting:
        reason = (
            f"it forgets: on the test recordings that the champion knew, {metric} is "
            f"{forgetting:.3f} below the champion's, allowed are {objective.allowed_forgetting}"
        )
        return Verdict("worse", reason)
    return Verdict("better")


def headline(
    objective: Objective, floating: Evaluation, int8: Evaluation, comparison: Comparison | None
) -> dict[str, Any]:
    """The few figures that travel in events and XCom."""
    figures = {
        "macro_f1": round(int8.macro_f1, 4),
        "accuracy": round(int8.accuracy, 4),
        "float_macro_f1": round(floating.macro_f1, 4),
        "worst_group": int8.worst_group,
        "worst_group_f1": round(int8.worst_group_f1, 4),
        "windows": int8.windows,
    }
    if comparison is None:
        return figures
    figures["champion_macro_f1"] = round(comparison.whole.champion.macro_f1, 4)
    for name, pair in (("old_test", comparison.old), ("new_condition", comparison.new)):
        if pair is not None:
            figures[f"{name}_macro_f1"] = round(pair.challenger.macro_f1, 4)
            figures[f"{name}_champion_macro_f1"] = round(pair.champion.macro_f1, 4)
    if comparison.old is not None:
        figures["forgetting"] = round(comparison.old.loss(objective.metric), 4)
    return figures
