"""The model card: what the figures mean, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinyops.printable import markdown
from tinyops.projects import Project
from tinyops.projects.split_section import SplitTime
from tinyops.training.comparison import Comparison
from tinyops.training.evaluate import Evaluation
from tinyops.training.int8_loss import Int8Loss
from tinyops.training.quantisation import Quantised
from tinyops.training.recipe import Recipe
from tinyops.training.verdict import Verdict
from tinyops.training.windows import WindowSet


@dataclass(frozen=True, eq=False)
class CardFacts:
    """All that a card tells."""

    project: Project
    run: str
    dataset: str
    recipe: Recipe
    parts: dict[str, WindowSet]
    floating: Evaluation
    int8: Evaluation
    quantised: Quantised
    loss: Int8Loss
    comparison: Comparison | None
    verdict: Verdict
    model_bytes: int
    parameters: int


def model_card(facts: CardFacts) -> str:
    """The card's text."""
    sections = (
        _head,
        _split,
        _data,
        _figures,
        _against,
        _classes,
        _quantisation,
        _confusion,
        _limits,
    )
    return "\n\n".join(filter(None, (section(facts) for section in sections))) + "\n"


def _head(facts: CardFacts) -> str:
    project = facts.project
    outcome = facts.verdict.status + (f": {facts.verdict.reason}" if facts.verdict.reason else "")
    outcome = markdown(outcome)
    return (
        f"# {project.title}: candidate {facts.run}\n\n{project.goal}\n\n"
        f"* Owner: {project.owner}\n* Dataset version: {facts.dataset}\n"
        f"* Outcome: {outcome}\n"
        f"* Model: {facts.recipe.model}, {facts.parameters} parameters, "
        f"{facts.model_bytes} bytes as int8 TFLite\n"
        f"* Window: {project.signal.window} samples at {project.signal.rate_hz:g} Hz, "
        f"frontend {project.frontend.kind}\n* Seed: {facts.recipe.seed}"
    )


def _split(facts: CardFacts) -> str:
    split = facts.project.split
    group = split.group_by
    proves = {
        "machine_id": "machines or people whom it has never seen",
        "recording": "other recordings of machines or people that it has seen, not new ones",
        "time": _times(split.by_time),
    }.get(group, f"values of {group} that it has not seen; machines may be in several parts")
    counts = ", ".join(
        f"{name} {len(set(part.groups.tolist()))}" for name, part in facts.parts.items()
    )
    return (
        f"## What the split proves\n\nData is divided by {group}, so the test figures tell how the "
        f"model does on {proves}. Machines or people: {counts}."
    )


def _times(time: SplitTime) -> str:
    apart = f"at least {time.gap_minutes:g} minutes from what it learnt from"
    if time.test_from is not None:
        return (
            f"the time from {time.test_from} on, {apart} and after all of it: the same machines or "
            "people later, not new ones"
        )
    return (
        f"stretches of {time.bucket_hours:g} hours that it has not seen, {apart}, before and after "
        "them: the same machines or people on other days, neither new ones nor the future"
    )


def _data(facts: CardFacts) -> str:
    source = facts.project.source
    kind = (
        "**The recordings are simulated**; the figures say nothing yet about real devices."
        if source.simulated
        else "The recordings are real."
    )
    rows = [
        [
            name,
            str(len(np.unique(part.recordings))),
            *(str(n) for n in part.counts(facts.project.labels).values()),
        ]
        for name, part in facts.parts.items()
    ]
    counts = table(["part", "recordings", *facts.project.labels], rows)
    return (
        f"## Data\n\nSource: {source.kind}. {kind}\n\nWindows of each class "
        f"(those of training overlap {facts.recipe.overlap} times):\n\n{counts}"
    )


def _figures(facts: CardFacts) -> str:
    models = {"float": facts.floating, "int8": facts.int8}
    if facts.comparison is not None:
        models["champion (int8)"] = facts.comparison.whole.champion
    rows = [
        [
            name,
            f"{figures.macro_f1:.4f}",
            f"{figures.accuracy:.4f}",
            f"{figures.worst_group} ({figures.worst_group_f1:.3f})",
        ]
        for name, figures in models.items()
    ]
    head = ["model", "macro F1", "accuracy", "worst group (its macro F1)"]
    return f"## Figures on {facts.int8.windows} test windows\n\n{table(head, rows)}"


def _against(facts: CardFacts) -> str:
    """What was gained on data that is new to the champion, and forgotten of what it knew."""
    if facts.comparison is None:
        return ""
    sides = {"known to the champion": facts.comparison.old, "new to it": facts.comparison.new}
    rows = [
        [
            name,
            str(pair.challenger.windows),
            f"{pair.challenger.macro_f1:.4f}",
            f"{pair.champion.macro_f1:.4f}",
        ]
        for name, pair in sides.items()
        if pair is not None
    ]
    head = ["test recordings", "windows", "this model", "champion"]
    return f"## Macro F1 beside the champion, by the newest labels\n\n{table(head, rows)}"


def _classes(facts: CardFacts) -> str:
    rows = [
        [name, f"{facts.floating.per_class[name]:.4f}", f"{score:.4f}"]
        for name, score in facts.int8.per_class.items()
    ]
    return f"## F1 of each class\n\n{table(['class', 'float', 'int8'], rows)}"


def _quantisation(facts: CardFacts) -> str:
    """How the model became int8, and what that costs on the test part and cost on validation."""
    columns = {f"validation, {name}": loss for name, loss in facts.quantised.tried.items()}
    columns["test, as released"] = facts.loss
    rows = [["macro F1"], ["accuracy"]]
    rows += [[f"recall of {part.name}"] for part in facts.loss.classes]
    rows += [["worst slice"], ["order within the tail"], ["separation (partial AUC)"]]
    for loss in columns.values():
        recall = {part.name: f"{part.share:.4f}" for part in loss.classes}
        worst, tail = loss.worst_slice, loss.tail
        cells = [f"{loss.macro_f1:.4f}", f"{loss.accuracy:.4f}"]
        cells += [recall.get(part.name, "none") for part in facts.loss.classes]
        cells.append(f"{worst.share:.4f} ({worst.name}, {worst.windows} windows)")
        cells.append("too few windows" if tail is None else f"{tail.order:.4f}")
        separation = None if tail is None else tail.separation
        cells.append("too few events" if separation is None else f"{separation:.4f}")
        for row, cell in zip(rows, cells, strict=True):
            row.append(cell)
    return (
        f"## What int8 loses against float\n\nQuantised by {facts.quantised.method}: "
        f"{facts.quantised.why}.\n\n{table(['loss of', *columns], rows)}"
    )


def _confusion(facts: CardFacts) -> str:
    labels = facts.project.labels
    rows = [
        [label, *map(str, row)] for label, row in zip(labels, facts.int8.confusion, strict=True)
    ]
    counts = table(["true \\ predicted", *labels], rows)
    return f"## Confusion (int8, test windows)\n\n{counts}"


def _limits(facts: CardFacts) -> str:
    groups = len(set(facts.parts["test"].groups.tolist()))
    lines = [
        f"The test part has {groups} machines or people: its figures move with whom it holds.",
        "Every input gets one of the classes; there is no answer for what was never trained.",
        "Figures are of single windows; a decision over several is safer.",
        "The int8 figures are computed on a host with LiteRT; the release's proof shows that the "
        "image gives the same logits on the emulated processor.",
    ]
    if facts.project.source.simulated:
        lines.insert(0, "Trained and tested on simulated recordings.")
    return "## Limits\n\n" + "\n".join(f"* {line}" for line in lines)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown; cells are text, because names of groups come with the data."""
    lines = [[*map(markdown, head)], ["---"] * len(head), *([*map(markdown, row)] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
