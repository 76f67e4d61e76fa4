"""A report as JSON in S3, from which its page is made when somebody asks for it.

The page has 3.6 MB of scripts that are the same for every report (Evidently 0.7.23), the JSON a few
dozen KB.
"""

from __future__ import annotations

import html
import re
from typing import Any

from tinyops.errors import TinyOpsError
from tinyops.printable import script_json
from tinyops.store import ReportKind, Store, layout

EMBEDDED = 2
"""JSON texts in a page of Evidently: widgets and additional graphs, a line each."""
_EMBEDDED = re.compile(
    r"^(\s*var (?:additional_graphs_)?[A-Za-z]\w* = )(\{.*\})(?=;\s*$)", re.MULTILINE
)


def write_snapshot(store: Store, project: str, kind: ReportKind, report_id: str, run: Any) -> str:
    """Store a run of an Evidently Report; writing it twice is harmless. Returns its URI."""
    for result in run.metric_results.values():
        # Drawn again by the preset that the metric belongs to, and half of the bytes.
        result.widget = []
    key = layout.evidently(project, kind, report_id)
    return store.put(key, run.dumps().encode(), "application/json")


def render_html(store: Store, project: str, kind: ReportKind, report_id: str) -> bytes:
    """The page of a stored report: self-contained, nothing is fetched from anywhere.

    Raises
    ------
    ObjectMissing
        There is no such report.
    """
    from evidently.core.report import Snapshot

    run = Snapshot.load_dict(store.get_json(layout.evidently(project, kind, report_id)))
    page = without_markup(run.get_html_str(as_iframe=False))
    title = f"<title>{html.escape(run.get_name() or report_id)}</title>"
    return page.replace("<head>", f"<head>{title}", 1).encode()


def without_markup(page: str) -> str:
    r"""A page whose embedded JSON ends no script: Evidently 0.7.23 writes `<` as it is.

    Raises
    ------
    TinyOpsError
        The JSON is not where this version of Evidently puts it, so nothing can be promised.
    """
    page, count = _EMBEDDED.subn(lambda found: found[1] + script_json(found[2]), page)
    if count != EMBEDDED:
        raise TinyOpsError(
            f"Evidently's page has {count} embedded JSON texts, expected {EMBEDDED}",
            "install the version of Evidently that requirements.txt names",
        )
    return page
