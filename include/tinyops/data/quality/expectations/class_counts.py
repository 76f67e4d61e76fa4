"""The metric `column.class_counts`: how many recordings each class has."""

from __future__ import annotations

from typing import Any

from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
    column_aggregate_value,
)


class ClassCounts(ColumnAggregateMetricProvider):
    """{class: recordings} of a column of labels; those without a label are not counted."""

    metric_name = "column.class_counts"

    @column_aggregate_value(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, **_: Any) -> dict[str, int]:
        return {str(name): int(count) for name, count in column.value_counts().items()}
