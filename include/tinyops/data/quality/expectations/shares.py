"""Classes come in about the shares of the version before."""

from __future__ import annotations

from typing import ClassVar

from tinyops.data.quality.expectations.class_counts import ClassCounts
from tinyops.data.quality.expectations.whole import ExpectOfTheWhole


class ExpectClassSharesAsBefore(ExpectOfTheWhole):
    """No class's share of the batch is more than `most` off its share of the version `before`."""

    before: dict[str, float]
    most: float

    metric_dependencies: ClassVar[tuple[str, ...]] = (ClassCounts.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("before", "most")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "most")
    sentence: ClassVar[str] = (
        "$column: no class's share is more than $most off that of the version before."
    )

    def judged(self, figure: dict[str, int]) -> tuple[bool, str]:
        """See the class; `figure` is {class: recordings}."""
        total = sum(figure.values())
        shares = {name: figure.get(name, 0) / total for name in {*figure, *self.before} if total}
        off = [
            f"{name}: {share:.0%} after {self.before.get(name, 0):.0%}"
            for name, share in sorted(shares.items())
            if abs(share - self.before.get(name, 0)) > self.most
        ]
        return not off, "; ".join(off) or f"{len(figure)} classes as before"
