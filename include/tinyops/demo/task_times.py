"""When each task of a project's DAGs ran, as Airflow's REST API tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from tinyops.errors import TinyOpsError
from tinyops.projects.dag_ids import Stage, dag_id

if TYPE_CHECKING:
    from tinyops.local.stack import Stack
    from tinyops.projects import Project

STAGES: tuple[Stage, ...] = ("ingest", "train", "release")


@dataclass(frozen=True)
class TaskTime:
    """One try of one task; `seconds` is None while it runs."""

    dag: str
    task: str
    state: str
    start: datetime
    seconds: float | None


def task_times(stack: Stack, project: Project, since: datetime) -> list[TaskTime]:
    """Tasks of the project that started after `since`, oldest first.

    Empty while Airflow is too busy to answer: what is shown then is merely older.
    """
    found: list[TaskTime] = []
    for stage in STAGES:
        dag = dag_id(project.name, stage)
        query = f"start_date_gte={quote(since.isoformat())}&limit=100"
        path = f"/api/v2/dags/{dag}/dagRuns/~/taskInstances?{query}"
        try:
            answer = stack.airflow.api("GET", path)
        except TinyOpsError:
            continue
        found.extend(
            TaskTime(
                dag,
                row["task_id"],
                str(row["state"]),
                datetime.fromisoformat(row["start_date"]),
                row["duration"],
            )
            for row in answer["task_instances"]
            if row["start_date"]
        )
    return sorted(found, key=lambda task: task.start)
