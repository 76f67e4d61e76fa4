"""Ids of the Airflow DAGs: one a stage for every project, and one for all."""

from __future__ import annotations

from typing import Literal

Stage = Literal["ingest", "train", "release", "monitor", "predict"]

MAINTAIN = "tinyops__maintain"
"""The DAG that serves all projects."""


def dag_id(project: str, stage: Stage) -> str:
    """Id of the DAG of a project's stage."""
    return f"{project}__{stage}"
