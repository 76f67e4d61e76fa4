"""Listener that hides this process's credentials in the logs of every task, before it runs."""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl

from tinyops.environment import secret_values


@hookimpl
def on_starting(component: Any) -> None:
    """Hide them before a task's DAG file is parsed, and in Airflow's own components."""
    _hide()


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    """Hide them where a task starts without a process of its own, as in `dag.test()`."""
    _hide()


def _hide() -> None:
    from airflow.sdk.log import mask_secret

    # One message to the supervisor, which writes the log.
    mask_secret(list(secret_values()))
