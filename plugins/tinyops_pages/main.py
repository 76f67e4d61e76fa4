"""The plugin that mounts the pages; its parts are imported by their dotted names where needed."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from tinyops_pages import LABELS, PREFIX


class TinyOpsPages(AirflowPlugin):
    """Pages below `/tinyops`, and the one that people are asked on in Airflow's navigation."""

    name = "tinyops_pages"
    # Without a leading slash: Airflow may live below a path. Inside its sandboxed frame forms work
    # for `nav` alone (3.3.2).
    external_views: ClassVar[list[dict[str, str]]] = [
        {
            "name": "Label requests",
            "href": LABELS.removeprefix("/"),
            "destination": "nav",
            "category": "browse",
            "url_route": "label-requests",
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Asked for by the API server alone, so that no other process imports the pages."""
        from tinyops_pages.app import app

        return [{"app": app, "url_prefix": PREFIX, "name": "TinyOps"}]
