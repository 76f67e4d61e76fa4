"""Each class of the project is in each part of the split, with the dataset's recordings counted."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from tinyops.data.quality.expectations.class_counts import ClassCounts
from tinyops.data.quality.expectations.whole import ExpectOfTheWhole
from tinyops.projects.coverage import coverage_gaps


class ExpectEveryClassInEveryPart(ExpectOfTheWhole):
    """Train, validation and test each have recordings of each of `classes`.

    The column holds "<part>: <class>". `known` counts what the dataset has already,
    {part: {class: recordings}}.
    """

    classes: list[str]
    known: dict[str, dict[str, int]]

    metric_dependencies: ClassVar[tuple[str, ...]] = (ClassCounts.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("classes", "known")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "classes")
    sentence: ClassVar[str] = "$column: train, validation and test each have each of $classes."

    def judged(self, figure: dict[str, int]) -> tuple[bool, str]:
        """See the class; `figure` is {"<part>: <class>": recordings}."""
        counts = {part: Counter(classes) for part, classes in self.known.items()}
        for name, recordings in figure.items():
            part, _, label = name.partition(": ")
            counts.setdefault(part, Counter())[label] += recordings
        gaps = coverage_gaps(counts, self.classes)
        return not gaps, gaps or "every class is in every part"
