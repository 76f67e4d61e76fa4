"""No class is rare against the largest, with the dataset's recordings counted too."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from tinyops.data.quality.expectations.class_counts import ClassCounts
from tinyops.data.quality.expectations.whole import ExpectOfTheWhole


class ExpectClassesToBeBalanced(ExpectOfTheWhole):
    """The largest of `classes` has at most `most` times the recordings of the smallest.

    `known` counts what the dataset has already. Classes that neither has are left out: whether a
    class may be missing is for the split to say.
    """

    classes: list[str]
    known: dict[str, int]
    most: float

    metric_dependencies: ClassVar[tuple[str, ...]] = (ClassCounts.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("classes", "known", "most")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "most")
    sentence: ClassVar[str] = (
        "$column: the largest class has at most $most times the recordings of the smallest."
    )

    def judged(self, figure: dict[str, int]) -> tuple[bool, str]:
        """See the class; `figure` is {class: recordings}."""
        counts = Counter(self.known) + Counter(figure)
        there = {name: counts[name] for name in self.classes if counts[name]}
        if not there:
            return True, "no class"
        least, largest = min(there, key=there.__getitem__), max(there, key=there.__getitem__)
        said = f"{there[largest]} of {largest}, {there[least]} of {least}"
        return there[largest] <= self.most * there[least], said
