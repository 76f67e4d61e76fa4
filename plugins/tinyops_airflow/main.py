"""The plugin that Airflow loads; its parts are imported by their dotted names where needed."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class TinyOpsPlugin(AirflowPlugin):
    """Shows up in `airflow plugins`; registers nothing, so no process pays for it."""

    name = "tinyops_airflow"
