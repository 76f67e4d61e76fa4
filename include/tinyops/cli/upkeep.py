"""`tinyops data retention` and `forget`: what would go, and asking ingest to remove it."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tinyops.cli.output import print_json, progress_bar, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.data.ingest.upkeep import UpkeepKind
    from tinyops.projects import Project
    from tinyops.retention.forget_plan import ForgetPlan
    from tinyops.retention.retention import Plan
    from tinyops.store import Store

ProjectName = Annotated[str, typer.Option("--project", "-p", help="A project's name.")]
Here = Annotated[
    bool,
    typer.Option(help="Remove it in this process; only where no ingest DAG can run meanwhile."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

_SHOWN = 20


def retention(
    project: ProjectName,
    apply: Annotated[bool, typer.Option(help="Have it removed.")] = False,
    here: Here = False,
    as_json: AsJson = False,
) -> None:
    """Show what is older than retention.keep in project.yaml says and needed by nothing."""
    from tinyops.projects import load_project
    from tinyops.retention.retention import plan_retention
    from tinyops.store import Store

    config = load_project(project)
    store = Store.from_env()
    plan = plan_retention(store, config)
    told = {"project": config.name, "applied": apply, **plan.to_dict()}
    if not as_json:
        _show_plan(config, plan)
    if apply and plan.items:
        told |= _hand_over(store, config, "retention", here, as_json)
    if as_json:
        print_json(told)


def forget(
    machine: Annotated[str, typer.Argument(help="The machine or person to forget.")],
    project: ProjectName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only show what would go.")] = False,
    here: Here = False,
    as_json: AsJson = False,
) -> None:
    """Remove all samples of a machine and keep it away; lists the models trained on it.

    It cannot be undone. Recordings of the machine that are sent again are taken out by ingest.
    """
    from tinyops.data.ingest.forgotten import remember
    from tinyops.data.ingest.upkeep import UpkeepError
    from tinyops.projects import load_project
    from tinyops.retention.forget_plan import plan_forget
    from tinyops.store import Store

    config = load_project(project)
    store = Store.from_env()
    if not machine.strip():
        raise UpkeepError("a machine needs a name", "name the machine to forget")
    plan = plan_forget(store, config.name, machine)
    told: dict[str, Any] = {"project": config.name, "applied": not dry_run} | _told(plan)
    if not as_json:
        _show_forget(plan)
    if not dry_run:
        if not yes and not _agreed(machine, as_json):
            raise UpkeepError(f"{machine} was not forgotten", "repeat it with --yes")
        remember(store, config.name, machine)
        told |= _hand_over(store, config, "forget", here, as_json, machine)
    if as_json:
        print_json(told)


def _hand_over(
    store: Store,
    project: Project,
    kind: UpkeepKind,
    here: bool,
    as_json: bool,
    machine: str = "",
) -> dict[str, Any]:
    """Write the request, and carry it out where that is this process's to do."""
    from tinyops.data.ingest.upkeep import UpkeepError, ask
    from tinyops.projects.dag_ids import dag_id
    from tinyops.retention.carry_out import carry_out
    from tinyops.retention.forget import STEPS

    if here and _airflow_runs():
        raise UpkeepError(
            "the embedded Airflow runs: its ingest DAG may write what would be removed",
            "leave out --here, or `tinyops down` first",
        )
    request = ask(store, project.name, kind, getpass.getuser(), machine)
    if not here:
        if not as_json:
            terminal().print(
                f"asked as {request.id}: {dag_id(project.name, 'ingest')} carries it out in its "
                f"next run, report in {store.uri(_report(project.name, kind, request.id))}",
                soft_wrap=True,
                markup=False,
            )
        return {"request": request.id, "state": "asked"}
    with progress_bar() as bar:
        task = bar.add_task(kind, total=STEPS if kind == "forget" else None)

        def say(step: str) -> None:
            bar.update(task, description=step, advance=1)

        report = carry_out(store, project, request.id, say)
    if not as_json:
        terminal().print(f"done: {report['uri']}", soft_wrap=True, markup=False)
        for line in report.get("remains", ()):
            terminal().print(f"remains: {line}", soft_wrap=True, markup=False)
    return {"request": request.id, "state": "done", "report": report}


def _report(project: str, kind: UpkeepKind, request: str) -> str:
    from tinyops.store import ReportKind, layout

    return layout.report(project, ReportKind(kind), request)


def _airflow_runs() -> bool:
    """Whether the embedded stack's Airflow is up; another one cannot be asked from here."""
    from tinyops.local.swift_config import was_started

    state_dir = Path(os.environ.get("TINYOPS_STATE") or ".tinyops")
    if not was_started(state_dir):
        return False
    from tinyops.local.stack import Stack

    return any(
        one.state == "running" and "airflow" in one.name for one in Stack(state_dir).status()
    )


def _agreed(machine: str, as_json: bool) -> bool:
    if as_json:
        return False
    return typer.confirm(f"Remove all samples of {machine}? This cannot be undone")


def _told(plan: ForgetPlan) -> dict[str, Any]:
    counted = ("recordings", "files")
    listed = ("versions", "batches", "candidates", "tested", "releases", "devices")
    return {
        **{name: len(getattr(plan, name)) for name in counted},
        **{name: list(getattr(plan, name)) for name in listed},
        "running": plan.running or {},
    }


def _show_plan(project: Project, plan: Plan) -> None:
    console = terminal()
    keep = project.retention.keep.model_dump(exclude_none=True, exclude={"dataset_versions"})
    if not keep.keys() - {"events_days"}:
        rest = f" but events of {keep['events_days']:g} days" if keep else ""
        console.print(f"retention.keep of {project.name} names nothing: everything is kept{rest}")
    if not keep:
        return
    table = Table("class", "name", "objects", "MB", "why")
    for item in plan.items[:_SHOWN]:
        size = f"{item.bytes / 1e6:.3f}"
        cells = (item.kind, rich_text(item.name), str(len(item.keys)), size, rich_text(item.why))
        table.add_row(*cells)
    if plan.items:
        console.print(table)
    if (more := len(plan.items) - _SHOWN) > 0:
        console.print(f"and {more} more (--json has all)")
    count = sum(len(item.keys) for item in plan.items)
    console.print(f"{count} objects, {plan.bytes / 1e6:.3f} MB may go")


def _show_forget(plan: ForgetPlan) -> None:
    table = Table(show_header=False)
    for name, value in _told(plan).items():
        if isinstance(value, dict):
            value = [f"{device} runs {release}" for device, release in value.items()]
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        table.add_row(name, rich_text(shown) or "none")
    console = terminal()
    console.print(table)
    if not plan.versions:
        console.print("no dataset version holds this machine; batches and quarantine are searched")
