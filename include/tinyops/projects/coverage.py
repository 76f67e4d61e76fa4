"""Coverage: each class of a project occurs in each part of the data that makes a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

UsedPart = Literal["train", "validation", "test"]
PARTS: tuple[UsedPart, ...] = ("train", "validation", "test")


def coverage_gaps(counts: Mapping[str, Mapping[str, int]], labels: Sequence[str]) -> str:
    """Sentence that names every empty part and every class that a part lacks; "" without gaps.

    A model cannot learn a class that train lacks, and a figure says nothing of a class that
    validation or test lacks.

    Parameters
    ----------
    counts
        {part: {class: recordings or windows}}; what is left out counts as 0.
    labels
        The project's classes.
    """
    present = {
        part: {label for label in labels if counts.get(part, {}).get(label)} for part in PARTS
    }
    gaps = [f"part {part} is empty" for part, classes in present.items() if not classes]
    for label in labels:
        lacking = [part for part, classes in present.items() if label not in classes]
        if any(present[part] for part in lacking):
            gaps.append(f"class {label!r} is absent from {_listed(lacking)}")
    return "; ".join(gaps)


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
