"""The plugin that mounts the pages; its parts are imported by their dotted names where needed."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class TinyOpsPages(AirflowPlugin):
    """Pages below `/tinyops`."""

    name = "tinyops_pages"

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """Asked for by the API server alone, so that no other process imports the pages."""
        from tinyops_pages import PREFIX
        from tinyops_pages.reports import app

        return [{"app": app, "url_prefix": PREFIX, "name": "TinyOps"}]
