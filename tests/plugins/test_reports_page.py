"""Reports as pages of Airflow's web server: for who is signed in, and only reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_runs import airflow_env, answer_of, migrate
from tinyops.store import Store, layout

SCRIPT = Path(__file__).with_name("serve_reports.py")
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
def test_reports_are_served_to_who_is_signed_in(store: Store, tmp_path: Path) -> None:
    docs = layout.report("motor_health", "data-docs")
    page = layout.report_file("motor_health", "data-docs", "b1/index.html")
    store.put(page, b"<p>b1", "text/html")
    store.put(docs + "index.html", b"<p>all", "text/html")
    store.put(docs + "b1/recordings.parquet", b"samples")
    store.put_json(layout.pointer("motor_health", "dataset"), {"secret": "samples"})
    env = airflow_env(tmp_path, TINYOPS_BUCKET=store.bucket)
    migrate(env)

    answer = answer_of(
        SCRIPT, GOOD, FOLDER, ABSENT, *BAD, env=env, answer=tmp_path / "pages.json", timeout=400
    )

    assert answer["anonymous"][GOOD] == answer["anonymous"][FOLDER] == 401
    assert all(status in (401, 404) for path, status in answer["anonymous"].items() if path in BAD)
    status, headers, text = answer["signed in"][GOOD]
    assert (status, text) == (200, "<p>b1")
    assert headers["content-type"].startswith("text/html")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert answer["signed in"][FOLDER][::2] == [200, "<p>all"]
    assert answer["signed in"][ABSENT][0] == 404
    for path in BAD:
        status, _, text = answer["signed in"][path]
        assert "samples" not in text, path
        assert status in (404, 422), path
    assert answer["post"] == 405
