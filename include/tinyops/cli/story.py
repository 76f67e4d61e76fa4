"""What the demo shows: a live table on a terminal, plain lines elsewhere, and the summary."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tinyops.cli.follow import Loop, Stage
from tinyops.cli.task_times import TaskTime, task_times
from tinyops.errors import TinyOpsError

if TYPE_CHECKING:
    from tinyops.local.stack import Stack
    from tinyops.projects import Project
    from tinyops.store import Store

MARKS = {"waiting": "·", "running": "▶", "done": "✔", "stopped": "✘"}
COLOURS = {"waiting": "dim", "running": "cyan", "done": "green", "stopped": "red"}
DAGS = {"gate": "ingest", "train": "train", "release": "release"}
TASK_POLL_SECONDS = 1.0


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
                self.console.print(line.rstrip(), highlight=False, soft_wrap=True)

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
                stage.reason or stage.output,
                _after(start, stage),
            )
        table.caption = f"{time.monotonic() - self.began:.0f} s"
        return table

    def _task(self, stage: Stage) -> str:
        """The newest task of the stage's DAG; empty when it has none."""
        dag = f"{self.project.name}__{DAGS.get(stage.name)}"
        mine = [task for task in self.tasks if task.dag == dag and task.state == "running"]
        return mine[-1].task if mine else ""


def summary_table(store: Store, project: Project, loop: Loop, started: float) -> Table:
    """What happened, with the time each stage took."""
    table = Table(title="what happened", title_justify="left")
    table.add_column("stage")
    table.add_column("result", overflow="fold")
    table.add_column("seconds", justify="right")
    table.add_row("start", "S3, Airflow, gateway, virtual board", f"{started:.1f}")
    before = loop.stages[0].done_at
    for stage in loop.stages:
        result = stage.reason or stage.output
        if stage.name == "train" and stage.state == "done":
            result += _headline(store, project, stage.output)
        seconds = stage_seconds(before, stage)
        table.add_row(stage.name, result, "" if seconds is None else f"{seconds:.1f}")
        before = stage.done_at or before
    total = stage_seconds(loop.stages[0].done_at, loop.stages[-1])
    table.add_section()
    table.add_row("batch to board", "", "" if total is None else f"{total:.1f}")
    return table


def report(stack: Stack, project: Project, loop: Loop, started: float) -> dict[str, Any]:
    """The same as data: stages and every task with its times (seconds after the batch landed)."""
    start = loop.stages[0].done_at or datetime.now(UTC)
    before: datetime | None = start
    stages = []
    for stage in loop.stages:
        seconds = stage_seconds(before, stage)
        words = {"state": stage.state, "output": stage.output, "reason": stage.reason}
        stages.append({"stage": stage.name, **words, "seconds": seconds})
        before = stage.done_at or before
    tasks = [
        {
            "dag": task.dag,
            "task": task.task,
            "state": task.state,
            "start": round((task.start - start).total_seconds(), 2),
            "seconds": task.seconds,
        }
        for task in task_times(stack, project, start)
    ]
    return {
        "project": project.name,
        "batch": loop.batch,
        "simulated_data": project.source.simulated,
        "attested": loop.attested,
        "start_seconds": round(started, 1),
        "batch_to_attested_seconds": stage_seconds(start, loop.stages[-1]),
        "stages": stages,
        "tasks": tasks,
    }


def stage_seconds(before: datetime | None, stage: Stage) -> float | None:
    """Seconds from `before` to the end of the stage; None while either is unknown."""
    if before is None or stage.done_at is None:
        return None
    return round(max((stage.done_at - before).total_seconds(), 0.0), 1)


def _headline(store: Store, project: Project, candidate: str) -> str:
    from tinyops.store import layout

    manifest: dict[str, Any] = store.get_json_or(
        layout.candidate_manifest(project.name, candidate), {}
    )
    metrics = manifest.get("metrics", {})
    words = [f"{name} {value:.3f}" for name, value in metrics.items() if isinstance(value, float)]
    return f" ({', '.join(words[:3])})" if words else ""


def _after(start: datetime | None, stage: Stage) -> str:
    if start is None or stage.state == "waiting":
        return ""
    end = stage.done_at or datetime.now(UTC)
    return f"{max((end - start).total_seconds(), 0):.0f} s"
