"""Reports as pages of Airflow's web server: for who is signed in, and only reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.airflow_runs import AirflowProcess
from tests.support.pages.pages import ask
from tinyops.store import Pointer, ReportKind, Store, layout

pytestmark = pytest.mark.slow

GOOD = "/tinyops/reports/motor_health/data-docs/b1/index.html"
FOLDER = "/tinyops/reports/motor_health/data-docs/"
ABSENT = "/tinyops/reports/motor_health/data-docs/b2/index.html"
BAD = [
    "/tinyops/reports/motor_health/data-docs/..%2F..%2Fcurrent/dataset.json",
    "/tinyops/reports/motor_health/data-docs/%2e%2e/%2e%2e/current/dataset.json",
    "/tinyops/reports/motor_health%2Fincoming/b1/batch.json",
    "/tinyops/reports/motor_health/data-docs/b1/recordings.parquet",
    "/tinyops/reports/../motor_health/data-docs/index.html",
    "/tinyops/docs",
    "/tinyops/openapi.json",
]


@pytest.mark.timeout(600)
def test_reports_are_served_to_who_is_signed_in(
    airflow: AirflowProcess, store: Store, tmp_path: Path
) -> None:
    store.put(layout.data_docs_page("motor_health", "b1"), b"<p>b1", "text/html")
    store.put(layout.data_docs_list("motor_health"), b"<p>all", "text/html")
    docs = layout.report("motor_health", ReportKind.DATA_DOCS, "b1")
    store.put(docs + layout.RECORDINGS, b"samples")
    store.put_json(layout.pointer("motor_health", Pointer.DATASET), {"secret": "samples"})

    paths = [GOOD, FOLDER, ABSENT, *BAD]
    anonymous = [{"path": path} for path in paths]
    signed_in = [{"path": path, "role": "viewer"} for path in paths]
    pages = ask(
        airflow, store, tmp_path, [*anonymous, *signed_in, {"method": "POST", "path": GOOD}]
    )

    refused = dict(zip(paths, pages, strict=False))
    assert refused[GOOD].status == refused[FOLDER].status == 401
    assert all(refused[path].status in (401, 404) for path in BAD)
    shown = dict(zip(paths, pages[len(paths) :], strict=False))
    assert (shown[GOOD].status, shown[GOOD].text) == (200, "<p>b1")
    headers = shown[GOOD].headers
    assert headers["content-type"].startswith("text/html")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert (shown[FOLDER].status, shown[FOLDER].text) == (200, "<p>all")
    assert shown[ABSENT].status == 404
    for path in BAD:
        assert "samples" not in shown[path].text, path
        assert shown[path].status in (404, 422), path
    assert pages[-1].status == 405
