"""Data Docs pages: they stand alone, and markup in the data stays text."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.data.recording_maker import PROJECT, fleet, recording
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.quality.docs import render_index, render_page
from tinyops.data.quality.gate import check
from tinyops.projects import Project
from tinyops.store import ReportKind, Store, layout

EVIL = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def page() -> str:
    bad = [recording("evil", label=EVIL), recording("evil2", unit="</td><b>"), recording(EVIL)]
    return render_page(PROJECT, "b1", check([*fleet(), *bad], PROJECT), "joined", simulated=True)


def test_page_says_what_matters(page: str) -> None:
    assert "48 of 51 recordings accepted" in page
    assert "Simulated recordings" in page
    assert "correct the label or add the class" in page
    assert "rms_share" in page


def test_page_loads_nothing_and_runs_nothing(page: str) -> None:
    assert not re.findall(r"https?://", page)
    assert "<script" not in page
    assert 'onerror="' not in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page


def test_browser_shows_it(page: str, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium")
    file = tmp_path / "page.html"
    file.write_text(page)
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "batch b1</title>" in done.stdout
    assert "taken</title>" not in done.stdout


def test_index_lists_batches() -> None:
    run = {
        "accepted": 3,
        "refused": 1,
        "warned": 2,
        "expectations": 24,
        "expectations_met": 23,
        "outcome": "<b>joined",
        "simulated": False,
    }
    text = render_index(PROJECT, {"b1": run, "b2": run})
    assert text.index("b2/index.html") < text.index("b1/index.html")
    assert "&lt;b&gt;joined" in text


def test_pages_are_published(store: Store, project: Project) -> None:
    for name in ("b1", "b2"):
        publish_batch(store, project, name, fleet(name))
        ingest_batch(store, project, name)
    folder = layout.report(project.name, ReportKind.DATA_DOCS)
    index = store.get(layout.data_docs_list(project.name)).decode()
    for link in re.findall(r'href="([^"]+)"', index):
        assert "joined dataset" in store.get(folder + link).decode()
    assert {"b1/index.html", "b2/index.html"} <= set(re.findall(r'href="([^"]+)"', index))
