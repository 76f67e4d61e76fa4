"""The performance report: what labels say of a release on what came after its data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinyops.errors import TinyOpsError
from tinyops.monitoring.reports.quality import quality_picture
from tinyops.monitoring.reports.statistic import Statistic, metrics

if TYPE_CHECKING:
    import pandas as pd

LABEL, PREDICTION = "label", "prediction"


def performance_report(
    name: str,
    current: NDArray[np.integer],
    reference: NDArray[np.integer],
    classes: Sequence[str],
    statistics: Sequence[Statistic],
    metadata: dict[str, Any],
    at: datetime,
) -> Any:
    """A run of Evidently's classification preset below our statistics.

    Parameters
    ----------
    current, reference
        [label][prediction] counts of the labelled windows since the release, and of the
        validation and test parts that it was accepted on.
    """
    from evidently import DataDefinition, Dataset, MulticlassClassification, Report

    definition = DataDefinition(
        categorical_columns=[LABEL, PREDICTION],
        classification=[MulticlassClassification(target=LABEL, prediction_labels=PREDICTION)],
    )
    items = [*metrics(statistics), quality_picture(current, reference, classes)]
    return Report(items, include_tests=False).run(
        Dataset.from_pandas(confusion_rows(current, classes), data_definition=definition),
        Dataset.from_pandas(confusion_rows(reference, classes), data_definition=definition),
        name=name,
        metadata=metadata,
        timestamp=at,
    )


def confusion_rows(confusion: NDArray[np.integer], classes: Sequence[str]) -> pd.DataFrame:
    """One row (label, prediction) a window, from [label][prediction] counts."""
    import pandas as pd

    table = np.asarray(confusion)
    if table.shape != (len(classes),) * 2 or not table.sum():
        raise TinyOpsError(
            f"a confusion of shape {table.shape} with {int(table.sum())} windows, "
            f"for {len(classes)} classes",
            "give counts of at least one window by label and prediction",
        )
    names = np.array(classes, dtype=object)
    label, prediction = np.indices(table.shape).reshape(2, -1)
    rows = {LABEL: names[label], PREDICTION: names[prediction]}
    return pd.DataFrame({key: np.repeat(each, table.ravel()) for key, each in rows.items()})
