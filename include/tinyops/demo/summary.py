"""What a turn of the loop did, as a table and as data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from tinyops.demo.follow import Loop, Stage
from tinyops.demo.task_times import task_times
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.local.stack import Stack
    from tinyops.projects import Project
    from tinyops.store import Store


def summary_table(store: Store, project: Project, loop: Loop) -> Table:
    """What happened in one turn, with the time each stage took."""
    table = Table(title_justify="left")
    table.add_column("stage")
    table.add_column("result", overflow="fold")
    table.add_column("seconds", justify="right")
    before = loop.stages[0].done_at
    for stage in loop.stages:
        result = rich_text(stage.reason or stage.output)
        if stage.name == "train" and stage.state == "done":
            result += _headline(store, project, stage.output)
        seconds = stage_seconds(before, stage)
        table.add_row(stage.name, result, "" if seconds is None else f"{seconds:.1f}")
        before = stage.done_at or before
    total = total_seconds(loop)
    table.add_section()
    table.add_row("in all", "", "" if total is None else f"{total:.1f}")
    return table


def report(stack: Stack, project: Project, loop: Loop) -> dict[str, Any]:
    """The same as data: stages and every task with its times (seconds after it landed)."""
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
        "arrival": loop.arrival,
        "release": loop.release,
        "attested": loop.attested,
        "arrival_to_attested_seconds": total_seconds(loop),
        "stages": stages,
        "tasks": tasks,
    }


def total_seconds(loop: Loop) -> float | None:
    """Seconds from landing to the board's attestation; None before."""
    return stage_seconds(loop.stages[0].done_at, loop.stages[-1])


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
