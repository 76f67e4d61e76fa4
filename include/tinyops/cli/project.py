"""`tinyops project validate`: is a use case's file right, and can its boards serve it?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from tinyops.cli.output import print_json, terminal
from tinyops.errors import TinyOpsError
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.projects import Project

project_app = typer.Typer(help="Use cases: one folder with a project.yaml each.")


@dataclass(frozen=True)
class Verdict:
    """The result of one check of one project."""

    project: str
    check: str
    good: bool
    message: str = ""
    fix: str = ""


@project_app.callback()
def _group() -> None:
    """Use cases: one folder with a project.yaml each."""


@project_app.command()
def validate(
    name: Annotated[str | None, typer.Argument(help="A project's name; all if absent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check project.yaml, its boards' sensors and its frontend. Exit 1 names file, key and fix."""
    from tinyops.projects import project_names

    verdicts = [v for each in ([name] if name else project_names()) for v in check_project(each)]
    wrong = [verdict for verdict in verdicts if not verdict.good]
    if as_json:
        checks = [asdict(verdict) for verdict in verdicts]
        print_json({"good": not wrong, "checks": checks})
    else:
        _show(verdicts)
    if wrong:
        raise typer.Exit(1)


def check_project(name: str) -> list[Verdict]:
    """All checks of one project; those that need a readable file are left out without one."""
    from tinyops.boards.catalogue import load_board
    from tinyops.conversion.images.fit import check_sensor
    from tinyops.frontend import from_project
    from tinyops.projects import load_project

    try:
        project = load_project(name)
    except TinyOpsError as error:
        return [Verdict(name, "project.yaml", False, error.message, error.fix)]
    verdicts = [Verdict(name, "project.yaml", True)]
    for board in project.boards:
        try:
            check_sensor(project, load_board(board))
            verdicts.append(Verdict(name, f"sensor {project.sensor} on {board}", True))
        except TinyOpsError as error:
            check = f"sensor {project.sensor} on {board}"
            verdicts.append(Verdict(name, check, False, error.message, error.fix))
    verdicts += _own_expectations(project)
    try:
        frontend = from_project(project.frontend, project.signal)
        shape = "x".join(map(str, frontend.output_shape))
        verdicts.append(Verdict(name, f"frontend {project.frontend.kind}", True, f"gives {shape}"))
    except TinyOpsError as error:
        check = f"frontend {project.frontend.kind}"
        verdicts.append(Verdict(name, check, False, error.message, error.fix))
    return verdicts


def _own_expectations(project: Project) -> list[Verdict]:
    from tinyops.data.quality.project_expectations import FILE, own_expectations
    from tinyops.data.quality.suite import expectations

    try:
        own = own_expectations(project)
        if own is None:
            return []
        expectations(project, own=own)
    except TinyOpsError as error:
        return [Verdict(project.name, FILE, False, error.message, error.fix)]
    return [Verdict(project.name, FILE, True, f"{len(own.rules)} expectations of its own")]


def _show(verdicts: list[Verdict]) -> None:
    from rich.table import Table

    console = terminal(soft_wrap=True)
    table = Table("project", "check", "", box=None, pad_edge=False)
    for verdict in verdicts:
        mark = "[green]good[/]" if verdict.good else "[red]wrong[/]"
        detail = rich_text(f" ({verdict.message})") if verdict.good and verdict.message else ""
        table.add_row(verdict.project, verdict.check, mark + detail)
    console.print(table)
    for verdict in verdicts:
        if not verdict.good:
            console.print(f"{verdict.message} -> {verdict.fix}", markup=False)
