"""The plugin that Airflow loads; its parts are imported by their dotted names where needed."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from tinyops_airflow import secret_masks


class TinyOpsPlugin(AirflowPlugin):
    """Shows up in `airflow plugins`; its one listener hides credentials in logs."""

    name = "tinyops_airflow"
    listeners = (secret_masks,)
