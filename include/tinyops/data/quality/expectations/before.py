"""Every class and machine looks about as it did in the version before."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
)
from great_expectations.expectations.metrics.metric_provider import metric_value

from tinyops.data.quality.comparison.reference import FEWEST
from tinyops.data.quality.comparison.seen import group_names
from tinyops.data.quality.expectations.whole import ExpectOfTheWhole

SHOWN = 5


class GroupMedians(ColumnAggregateMetricProvider):
    """{group: median of the column}, groups as `comparison.seen` names them; of FEWEST or more."""

    metric_name = "column.group_medians"

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        **_: Any,
    ) -> dict[str, float]:
        column = metric_domain_kwargs["column"]
        rows, _, _ = execution_engine.get_compute_domain(
            domain_kwargs=metric_domain_kwargs, domain_type=MetricDomainTypes.COLUMN
        )
        values: dict[str, list[float]] = {}
        usable = rows[rows[column].notna() & rows["label"].notna()]
        for machine, label, value in zip(
            usable["machine_id"], usable["label"], usable[column], strict=True
        ):
            for name in group_names(machine, label):
                values.setdefault(name, []).append(float(value))
        return {
            name: sorted(found)[len(found) // 2]
            for name, found in values.items()
            if len(found) >= FEWEST
        }


class ExpectGroupsAsBefore(ExpectOfTheWhole):
    """No class's or machine's median of `column` is more than `most` times that of `before`, or
    less than a `most`th of it; with `decades`, values are log10."""

    before: dict[str, float]
    most: float
    decades: bool = False

    metric_dependencies: ClassVar[tuple[str, ...]] = (GroupMedians.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("before", "most", "decades")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "most")
    sentence: ClassVar[str] = (
        "$column: no class's or machine's median is more than $most times that of the version "
        "before, or less than that part of it."
    )

    def judged(self, figure: dict[str, float]) -> tuple[bool, str]:
        """See the class; `figure` is {group: median}."""
        off: dict[str, float] = {}
        for name, now in figure.items():
            then = self.before.get(name)
            if then is None or (not self.decades and (then <= 0 or now <= 0)):
                continue
            times = 10 ** (now - then) if self.decades else now / then
            if not 1 / self.most <= times <= self.most:
                off[name] = times
        said = [f"{name}: {times:.2g} times" for name, times in sorted(off.items())[:SHOWN]]
        more = f" and {len(off) - SHOWN} more" if len(off) > SHOWN else ""
        return not off, ("; ".join(said) or "as before") + more
