"""The data-drift report: what a device counted, beside the reference of its release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tinyops.monitoring.reports.marginals import current_rows, marginals, reference_rows
from tinyops.monitoring.reports.picture import drift_picture
from tinyops.monitoring.reports.statistic import Statistic, metrics
from tinyops.sketches.sketch import Counts

ABOUT = {
    "decided_by": "the verdict of TinyOps; PSI and JS are effect sizes and have no threshold",
    "reference": "what the release's reference expects of windows with the same predicted classes",
    "rows": "marginals: one row a count, and the columns of a row are paired up arbitrarily",
}


def drift_report(
    name: str,
    current: Counts,
    reference: Counts,
    classes: Sequence[str],
    statistics: Sequence[Statistic],
    metadata: dict[str, Any],
    at: datetime,
) -> Any:
    """A run of Evidently's data-drift preset on reconstructed rows, below our statistics.

    Parameters
    ----------
    current, reference
        What a frame set counted, and what was expected of it.
    classes
        Names of the class counters.
    """
    from evidently import DataDefinition, Dataset, Report

    columns = marginals(current, reference, classes)
    definition = DataDefinition(categorical_columns=[each.column for each in columns])
    items = [*metrics(statistics), drift_picture(columns)]
    return Report(items, include_tests=False).run(
        Dataset.from_pandas(current_rows(columns), data_definition=definition),
        Dataset.from_pandas(reference_rows(columns), data_definition=definition),
        name=name,
        metadata=ABOUT | metadata,
        timestamp=at,
    )
