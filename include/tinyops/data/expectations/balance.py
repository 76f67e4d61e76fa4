"""No class is rare against the largest, with the dataset's recordings counted too."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from great_expectations.expectations.expectation import ColumnAggregateExpectation
from great_expectations.render import LegacyRendererType
from great_expectations.render.renderer.renderer import renderer

from tinyops.data.expectations.class_counts import ClassCounts
from tinyops.data.expectations.said import sentence


class ExpectClassesToBeBalanced(ColumnAggregateExpectation):
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

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        counts = Counter(self.known) + Counter(metrics[ClassCounts.metric_name])
        there = {name: counts[name] for name in self.classes if counts[name]}
        if not there:
            return {"success": True, "result": {"observed_value": "no class"}}
        least, largest = min(there, key=there.__getitem__), max(there, key=there.__getitem__)
        return {
            "success": there[largest] <= self.most * there[least],
            "result": {
                "observed_value": f"{there[largest]} of {largest}, {there[least]} of {least}"
            },
        }

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[Any]:
        return sentence(
            "$column: the largest class has at most $most times the recordings of the smallest.",
            configuration,
        )
