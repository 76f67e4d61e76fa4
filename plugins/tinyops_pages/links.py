"""Buttons on a task's page that lead to our pages. Light: DAG files import it."""

from __future__ import annotations

from typing import Any

import attrs
from airflow.sdk import BaseOperatorLink

from tinyops.store import ReportKind, layout
from tinyops_pages import LABELS, PREFIX


def report_path(project: str, kind: ReportKind, page: str = layout.PAGE) -> str:
    """Path of a report's page below the web server's address."""
    return f"{PREFIX}/reports/{project}/{kind}/{page}"


@attrs.define()
class DataDocsLink(BaseOperatorLink):
    """What the quality gate found in the project's batches.

    The worker writes the address when the task ends; nobody else needs this class (Airflow 3.3.2:
    a DAG is stored with the link's name and XCom key only).
    """

    project: str

    @property
    def name(self) -> str:
        """The button's text."""
        return "Data Docs"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the batch that the task has handled, or the list of all batches."""
        return _base() + report_path(self.project, ReportKind.DATA_DOCS, self._page(ti_key))

    def _page(self, ti: Any) -> str:
        batches = ti.xcom_pull(task_ids=ti.task_id, key="batches") or []
        pages = [one["docs"] for one in batches if one["docs"]]
        if len(pages) != 1:
            return layout.PAGE
        return layout.report_path(self.project, ReportKind.DATA_DOCS, pages[0])


@attrs.define()
class LabelRequestsLink(BaseOperatorLink):
    """What monitoring asks people for, with the forms that answer it."""

    @property
    def name(self) -> str:
        """The button's text."""
        return "Label requests"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The list of all that is open."""
        return _base() + LABELS


def _base() -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="")).rstrip("/")
