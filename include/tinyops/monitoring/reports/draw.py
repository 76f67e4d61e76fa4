"""The reports of one verdict, written to S3; what the monitor DAG calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.monitoring.reports.drift import drift_report
from tinyops.monitoring.reports.of_verdict import drift_statistics, label_statistics
from tinyops.monitoring.reports.performance import performance_report
from tinyops.monitoring.reports.snapshot import write_snapshot
from tinyops.sketches.reference import Reference
from tinyops.sketches.sketch import Counts
from tinyops.store import ReportKind, Store, layout


def draw_reports(store: Store, project: str, verdict_id: str) -> list[str]:
    """Draw the data-drift report of a verdict, and the performance report where labels exist.

    Drawing twice is harmless. Returns the URIs: none for a verdict without evidence.

    Raises
    ------
    ObjectMissing
        There is no such verdict, or its release has no reference.
    """
    verdict = store.get_json(layout.verdict(project, verdict_id))
    release = layout.release(project, verdict["release"])
    reference = Reference.from_json(store.get(release + layout.REFERENCE))
    at = datetime.fromisoformat(verdict["at"])
    about = {
        key: verdict[key]
        for key in ("id", "project", "device", "release", "reference_tag", "status")
    } | {"board": "virtual" if verdict["virtual"] else "real"}
    runs: dict[ReportKind, Any] = {}
    if verdict["counts"]:
        runs[ReportKind.DRIFT] = drift_report(
            f"{project}, {verdict['device']}: inputs",
            _counts(verdict["counts"]["found"]),
            _counts(verdict["counts"]["expected"]),
            reference.class_names,
            drift_statistics(verdict),
            about,
            at,
        )
    if verdict["residual"]:
        runs[ReportKind.PERFORMANCE] = performance_report(
            f"{project}, {verdict['device']}: labels",
            _labelled(store, project, verdict["release"], reference.labels),
            reference.confusion,
            reference.labels,
            label_statistics(verdict),
            about,
            at,
        )
    return [write_snapshot(store, project, kind, verdict_id, run) for kind, run in runs.items()]


def _counts(content: dict[str, Any]) -> Counts:
    rows = ("histograms", "out_of_range", "confidence", "classes")
    return Counts(content["n"], *(np.array(content[name], np.int64) for name in rows))


def _labelled(
    store: Store, project: str, release: str, labels: tuple[str, ...]
) -> NDArray[np.int64]:
    """[label][prediction] of the newest labelled windows about a release."""
    rows = store.objects(layout.report(project, ReportKind.LABELLED, release))
    newest = max(rows, key=lambda row: row.last_modified)
    table = np.zeros((len(labels), len(labels)), np.int64)
    for recording in store.get_json(newest.key)["recordings"]:
        for prediction in recording["predictions"]:
            table[labels.index(recording["label"]), labels.index(prediction)] += 1
    return table
