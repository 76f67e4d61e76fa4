"""What predictions say in all: counts, and right and wrong where there are labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLUMNS = ["machine_id", "part", "label", "predicted", "confidence"]


class Tally:
    """Counts of predictions, file by file.

    Parameters
    ----------
    classes
        The model's classes; a window with another label, or none, counts as unlabelled.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = list(classes)
        self._predicted = np.zeros(len(classes), np.int64)
        self._confidence = 0.0
        self._tables: dict[tuple[str, str], NDArray[np.int64]] = {}

    def add(self, path: Path) -> None:
        """Count a file of predictions, row group by row group."""
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=_COLUMNS):
                self._count(batch.to_pandas())

    def summary(self) -> dict[str, Any]:
        """{windows, labelled, predicted, confidence, parts, machines}; JSON content.

        Accuracy and macro F1 are of labelled windows, None where there are none. Those of the part
        `train` say how well the model remembers, not how well it works.
        """
        windows = int(self._predicted.sum())
        parts: dict[str, NDArray[np.int64]] = {}
        machines: dict[str, NDArray[np.int64]] = {}
        for (part, machine), table in self._tables.items():
            parts[part] = parts.get(part, 0) + table
            machines[machine] = machines.get(machine, 0) + table
        return {
            "windows": windows,
            "labelled": int(sum(table.sum() for table in self._tables.values())),
            "predicted": {
                name: int(count) for name, count in zip(self._classes, self._predicted, strict=True)
            },
            "mean_confidence": round(self._confidence / windows, 4) if windows else None,
            "parts": {part: figures(table) for part, table in sorted(parts.items())},
            "machines": {
                machine: {"parts": sorted(part for part, one in self._tables if one == machine)}
                | figures(table, of_present=True)
                for machine, table in sorted(machines.items())
            },
        }

    def _count(self, rows: Any) -> None:
        number = {name: index for index, name in enumerate(self._classes)}
        size = len(self._classes)
        predicted = rows["predicted"].map(number).to_numpy(np.int64)
        self._predicted += np.bincount(predicted, minlength=size)
        self._confidence += float(rows["confidence"].sum())
        labels = rows["label"].map(number).to_numpy(np.float64, na_value=np.nan)
        known = ~np.isnan(labels)
        flat = np.where(known, labels, 0).astype(np.int64) * size + predicted
        for key, numbers in rows.groupby(["part", "machine_id"]).indices.items():
            own = flat[numbers][known[numbers]]
            table = np.bincount(own, minlength=size * size).reshape(size, size)
            self._tables[key] = self._tables.get(key, 0) + table


def figures(table: NDArray[np.int64], *, of_present: bool = False) -> dict[str, Any]:
    """{windows, accuracy, macro_f1} of counts [true][predicted].

    Macro F1 is the mean over all classes, where an absent one counts as 0; with `of_present`, as
    for one machine, over the classes that occur.
    """
    total, hits = int(table.sum()), np.diag(table)
    if not total:
        return {"windows": 0, "accuracy": None, "macro_f1": None}
    both = table.sum(axis=0) + table.sum(axis=1)
    scores = np.divide(2.0 * hits, both, out=np.zeros(len(table)), where=both > 0)
    if of_present:
        scores = scores[table.sum(axis=1) > 0]
    return {
        "windows": total,
        "accuracy": round(float(hits.sum() / total), 4),
        "macro_f1": round(float(scores.mean()), 4),
    }
