"""Classes come in about the shares of the version before."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations.expectation import ColumnAggregateExpectation
from great_expectations.render import LegacyRendererType
from great_expectations.render.renderer.renderer import renderer

from tinyops.data.expectations.class_counts import ClassCounts
from tinyops.data.expectations.said import sentence


class ExpectClassSharesAsBefore(ColumnAggregateExpectation):
    """No class's share of the batch is more than `most` off its share of the version `before`."""

    before: dict[str, float]
    most: float

    metric_dependencies: ClassVar[tuple[str, ...]] = (ClassCounts.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("before", "most")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "most")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        counts = metrics[ClassCounts.metric_name]
        total = sum(counts.values())
        off = [
            f"{name}: {counts.get(name, 0) / total:.0%} after {self.before.get(name, 0):.0%}"
            for name in sorted({*counts, *self.before})
            if total and abs(counts.get(name, 0) / total - self.before.get(name, 0)) > self.most
        ]
        return {
            "success": not off,
            "result": {"observed_value": "; ".join(off) or f"{len(counts)} classes as before"},
        }

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[Any]:
        return sentence(
            "$column: no class's share is more than $most off that of the version before.",
            configuration,
        )
