"""One turn of the loop as it runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tinyops.demo.follow import Loop, Stage
from tinyops.demo.task_times import TaskTime, task_times
from tinyops.errors import TinyOpsError
from tinyops.printable import rich_text
from tinyops.projects.dag_ids import Stage as DagStage
from tinyops.projects.dag_ids import dag_id

if TYPE_CHECKING:
    from tinyops.local.stack import Stack
    from tinyops.projects import Project

MARKS = {"waiting": "·", "running": "▶", "done": "✔", "stopped": "✘"}
COLOURS = {"waiting": "dim", "running": "cyan", "done": "green", "stopped": "red"}
DAGS: dict[str, DagStage] = {"gate": "ingest", "train": "train", "release": "release"}
TASK_POLL_SECONDS = 2.0


class TaskFailed(TinyOpsError):
    """A task of the loop has failed for good."""


class LoopView:
    """Shows a Loop as it moves; use as a context manager."""

    def __init__(self, console: Console, project: Project, stack: Stack) -> None:
        self.console, self.project, self.stack = console, project, stack
        self.began = time.monotonic()
        self.since = datetime.now(UTC)
        self.tasks: list[TaskTime] = []
        self.asked = 0.0
        self.said: set[tuple[str, str, str]] = set()
        self.live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def show(self, loop: Loop) -> None:
        """Draw the loop, or say what is new of it."""
        if time.monotonic() - self.asked > TASK_POLL_SECONDS:
            self.tasks = task_times(self.stack, self.project, self.since)
            self.asked = time.monotonic()
        if self.console.is_terminal:
            self.live.update(self._table(loop))
            return
        for stage in loop.stages:
            word = self._task(stage) if stage.state == "running" else stage.reason or stage.output
            if stage.state != "waiting" and (stage.name, stage.state, word) not in self.said:
                self.said.add((stage.name, stage.state, word))
                elapsed = time.monotonic() - self.began
                line = f"{elapsed:6.1f} s  {stage.name:8} {stage.state:8} {word}"
                self.console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)

    def raise_failed_task(self) -> None:
        """TaskFailed when a task of the loop has failed and will not be tried again."""
        for task in self.tasks:
            if task.state == "failed":
                raise TaskFailed(
                    f"task {task.dag}.{task.task} failed",
                    f"read its log at {self.stack.airflow.url}/dags/{task.dag}",
                )

    def _table(self, loop: Loop) -> Table:
        kind = "simulated data" if self.project.source.simulated else "real recordings"
        title = f"{self.project.title} ({kind}, virtual board)"
        table = Table(title=title, title_justify="left", expand=False)
        for column in ("", "stage", "task", "result"):
            table.add_column(column, overflow="fold")
        table.add_column("after", justify="right")
        start = loop.stages[0].done_at
        for stage in loop.stages:
            colour = COLOURS[stage.state]
            table.add_row(
                f"[{colour}]{MARKS[stage.state]}[/]",
                f"[{colour}]{stage.name}[/]",
                self._task(stage) if stage.state == "running" else "",
                rich_text(stage.reason or stage.output),
                _after(start, stage),
            )
        table.caption = f"{time.monotonic() - self.began:.0f} s"
        return table

    def _task(self, stage: Stage) -> str:
        """The newest task of the stage's DAG; empty when it has none."""
        if stage.name not in DAGS:
            return ""
        dag = dag_id(self.project.name, DAGS[stage.name])
        mine = [task for task in self.tasks if task.dag == dag and task.state == "running"]
        return mine[-1].task if mine else ""


def _after(start: datetime | None, stage: Stage) -> str:
    if start is None or stage.state == "waiting":
        return ""
    end = stage.done_at or datetime.now(UTC)
    return f"{max((end - start).total_seconds(), 0):.0f} s"
