"""Evidently draws: our figures are on its pages, and none of its thresholds decides anything."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tinyops.errors import TinyOpsError
from tinyops.monitoring.effects import jensen_shannon, psi
from tinyops.monitoring.reports.drift import drift_report
from tinyops.monitoring.reports.marginals import (
    CLASS,
    FEATURES,
    Marginal,
    current_rows,
    marginals,
    reference_rows,
)
from tinyops.monitoring.reports.performance import confusion_rows, performance_report
from tinyops.monitoring.reports.snapshot import render_html, write_snapshot
from tinyops.monitoring.reports.statistic import Statistic
from tinyops.sketches.sketch import Counts
from tinyops.store import ObjectMissing, ReportKind, Store, layout

LABELS = ["normal", "inner_race", "outer_race", "ball"]
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
OURS = [
    Statistic("Verdict of TinyOps", 1.0, "data drift", "T² is beyond its threshold", wide=True),
    Statistic("Distance from the reference, T²", 87.25, "87.3", "threshold 24.1"),
]


def counts(seed: int, windows: int, tilt: float, empty: tuple[int, ...] = ()) -> Counts:
    """Counts of so many windows, the later bins the fuller by `tilt`, some bins without any."""
    rng = np.random.default_rng(seed)

    def row(bins: int, slope: float) -> np.ndarray:
        chances = 1 + slope * np.arange(8.0)
        chances[bins:] = 0
        chances[list(empty)] = 0
        return rng.multinomial(windows, chances / chances.sum())

    histograms = np.stack([row(8, tilt), row(8, 0), row(8, 2 * tilt)])
    return Counts(windows, histograms, rng.integers(0, 5, 3), row(8, 0), row(len(LABELS), 0))


def drifted(seed: int = 0, empty: tuple[int, ...] = ()) -> Any:
    sides = counts(seed, 256, 0.4, empty), counts(seed + 100, 5000, 0)
    return drift_report("motor-1: data drift", *sides, LABELS, OURS, {"device": "motor-1"}, AT)


def values(run: Any) -> dict[tuple[str, str], float]:
    """Score by (column, method)."""
    configs = [(each["config"], each["value"]) for each in run.dict()["metrics"]]
    return {(c["column"], c["method"]): value for c, value in configs if "column" in c}


@pytest.fixture(scope="module")
def outside() -> Iterator[list[str]]:
    """Addresses beyond this machine that anything in the process connects to or looks up."""
    found: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("socket.connect", "socket.getaddrinfo"):
            where = str(arguments[1] if event == "socket.connect" else arguments[0])
            if not re.search(r"127\.0\.0\.1|localhost|::1", where):
                found.append(where)

    sys.addaudithook(hook)
    yield found
    watching = False


@pytest.fixture(scope="module")
def drift(outside: list[str]) -> Any:
    return drifted()


@pytest.fixture(scope="module")
def performance(outside: list[str]) -> Any:
    now = np.array([[22, 2, 2, 3], [1, 11, 14, 0], [1, 3, 24, 0], [3, 2, 3, 0]])
    then = np.diag([300, 280, 290, 260]) + 5
    return performance_report("motor-1: labels", now, then, LABELS, OURS, {}, AT)


@pytest.mark.parametrize("empty", [(), (0,), (3, 7)])
def test_rows_hold_exactly_the_counts(empty: tuple[int, ...]) -> None:
    current, reference = counts(3, 256, 0.4, empty), counts(4, 5000, 0)
    columns = marginals(current, reference, LABELS)
    assert [each.column for each in columns] == [*FEATURES, "confidence", CLASS]
    for side, rows in ((current, current_rows(columns)), (reference, reference_rows(columns))):
        assert len(rows) == side.n
        for each, wanted in zip(
            columns, [*side.histograms, side.confidence, side.classes], strict=True
        ):
            found = rows[each.column].value_counts()
            assert [found.get(name, 0) for name in each.bins] == wanted[: len(each.bins)].tolist()


@pytest.mark.parametrize(
    ("seed", "empty", "reference_empty"),
    [(0, (), ()), (1, (0,), ()), (2, (), (7,)), (3, (2, 3), (3, 6)), (4, range(1, 7), (0,))],
)
def test_psi_and_js_of_evidently_are_ours(
    seed: int, empty: tuple[int, ...], reference_empty: tuple[int, ...]
) -> None:
    # 20,000 windows with a rare bin: Evidently fills empty bins another way below 1 in 10,000.
    reference = counts(seed + 100, 20_000, 0, reference_empty)
    reference.histograms[0, 1:3] = (2, reference.histograms[0, 1:3].sum() - 2)
    current = counts(seed, 256, 0.4, tuple(empty))
    columns = marginals(current, reference, LABELS)
    found = values(drift_report("x", current, reference, LABELS, [], {}, AT))
    methods = ("psi", "jensenshannon")
    assert found.keys() == {(each.column, method) for each in columns for method in methods}
    for each in columns:
        sides = np.array(each.reference), np.array(each.current)
        assert found[each.column, "psi"] == pytest.approx(psi(*sides), abs=1e-9)
        assert found[each.column, "jensenshannon"] == pytest.approx(
            jensen_shannon(*sides), abs=1e-9
        )


def test_counts_of_different_windows_make_no_rows() -> None:
    one = Marginal("a", ("x", "y"), (3, 4), (5, 5))
    other = Marginal("b", ("x", "y"), (3, 5), (5, 5))
    with pytest.raises(TinyOpsError, match="different or no windows"):
        current_rows([one, other])
    with pytest.raises(TinyOpsError, match="different or no windows"):
        current_rows([Marginal("a", ("x",), (0,), (1,))])


def test_our_figures_are_metrics_of_the_report(drift: Any) -> None:
    found = {
        each["config"]["name"]: (each["value"], each["config"]["note"])
        for each in drift.dict()["metrics"]
        if "name" in each["config"]
    }
    assert found == {each.name: (each.value, each.note) for each in OURS}


def test_evidently_decides_nothing(drift: Any, performance: Any) -> None:
    assert drift.tests_results == []
    assert performance.tests_results == []
    text = drift.dumps()
    assert "DriftedColumnsCount" not in text
    assert {config["threshold"] for config in _configs(drift, "ValueDrift")} == {1e9}
    page = json.dumps([widget.dict() for widget in drift._widgets], default=str)
    assert not re.search(r"drift (is )?(not )?detected", page, re.IGNORECASE)


def test_a_stored_report_is_small_and_becomes_a_page_without_any_network(
    drift: Any, performance: Any, store: Store, outside: list[str]
) -> None:
    for kind, run in ((ReportKind.DRIFT, drift), (ReportKind.PERFORMANCE, performance)):
        uri = write_snapshot(store, "motor_health", kind, "v1", run)
        assert store.key(uri) == layout.evidently("motor_health", kind, "v1")
        data = store.get(store.key(uri))
        assert len(data) < 40_000
        json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        page = render_html(store, "motor_health", kind, "v1").decode()
        assert f"<title>{run.get_name()}</title>" in page
        assert "T\\u00b2 is beyond its threshold" in page
        assert not re.search(r"<(script|link|img|iframe)\b[^>]*\b(src|href)=", page)
        write_snapshot(store, "motor_health", kind, "v1", run)
    assert outside == []
    with pytest.raises(ObjectMissing, match="another"):
        render_html(store, "motor_health", ReportKind.DRIFT, "another")


def test_performance_is_of_the_labelled_windows(performance: Any) -> None:
    found = {
        each["metric_name"].split("(")[0]: each["value"] for each in performance.dict()["metrics"]
    }
    assert found["Accuracy"] == pytest.approx((22 + 11 + 24) / 91)
    assert found["RecallByLabel"]["outer_race"] == pytest.approx(24 / 28)
    assert found["RecallByLabel"]["ball"] == 0
    drawn = {row[0]: row[1:] for row in performance._widgets[-1].params["data"]}
    for label in LABELS:
        assert drawn[label][0] == f"{found['RecallByLabel'][label]:.3f}"
        assert drawn[label][2] == f"{found['PrecisionByLabel'][label]:.3f}"


def test_what_cannot_be_known_of_a_label_is_not_drawn_as_zero() -> None:
    now, then = np.zeros((4, 4), int), np.eye(4, dtype=int)
    now[0, 0], now[0, 1] = 5, 3  # inner_race was decided and never right
    by_label = performance_report("few", now, then, LABELS, [], {}, AT)._widgets[-1].params["data"]
    assert by_label == [
        ["normal", "0.625", "1.000", "1.000", "1.000"],
        ["inner_race", "-", "1.000", "0.000", "1.000"],
        ["outer_race", "-", "1.000", "-", "1.000"],
        ["ball", "-", "1.000", "-", "1.000"],
    ]


@pytest.mark.parametrize("table", [np.zeros((4, 4), int), np.ones((3, 4), int)])
def test_no_windows_or_another_shape_make_no_rows(table: np.ndarray) -> None:
    with pytest.raises(TinyOpsError, match="confusion of shape"):
        confusion_rows(table, LABELS)


def _configs(run: Any, kind: str) -> list[dict[str, Any]]:
    configs = [each["config"] for each in run.dict()["metrics"]]
    return [config for config in configs if config["type"].endswith(f":{kind}")]
