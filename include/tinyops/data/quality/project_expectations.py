"""A project's own expectations: `include/projects/<name>/expectations.py`, where it has one.

The file is code of whoever owns the project and is run where the gate runs, in a child without
credentials (`project_code`); no DAG file is parsed through it. It has a function
`expectations(project)` that returns `Rule`s, and may have `columns`: {name: function of a Recording
that returns a number, a text or None}.
"""

from __future__ import annotations

from typing import Any, get_args

from tinyops.data.quality.columns import COLUMNS
from tinyops.data.quality.comparison.compare import COMPARED
from tinyops.data.quality.own_columns import Columns, ExpectationsError
from tinyops.data.quality.rules import Own, Rule
from tinyops.data.quality.rules.kinds import named_kind
from tinyops.projects import Project, projects_folder
from tinyops.projects.gate_section import SEVERITIES, Severity

FILE = "expectations.py"


def own_columns(project: Project) -> Columns | None:
    """Run a project's expectations.py for its columns; None where there is no file.

    Raises
    ------
    ExpectationsError
        The file does not run, or a column of it has a name of the gate's.
    """
    path = projects_folder().absolute() / project.name / FILE
    if not path.is_file():
        return None
    columns = Columns(path, project.model_dump(mode="json"))
    for name in columns.names:
        if name in COLUMNS or name in COMPARED:
            raise ExpectationsError(
                f"{path}: columns: the gate has a column {name!r} of its own", "rename it"
            )
    return columns


def own_expectations(project: Project) -> Own | None:
    """Run a project's expectations.py for its columns and rules; None where there is no file.

    Raises
    ------
    ExpectationsError
        The file does not run or does not say what it should.
    """
    columns = own_columns(project)
    if columns is None:
        return None
    known = {*COLUMNS, *COMPARED, *columns.names}
    rules: list[Rule] = []
    for plain in columns.ask("rules"):
        _check(columns, plain, {rule.name for rule in rules}, known)
        kind = named_kind(plain["kind"])
        if kind is None:
            raise ExpectationsError(
                f"{columns.path}: {plain['name']}: no expectation class {plain['kind']!r}",
                "name a class of great_expectations.expectations",
            )
        rules.append(Rule(**plain | {"kind": kind}))
    return Own(columns, rules)


def _check(columns: Columns, plain: dict[str, Any], names: set[str], known: set[str]) -> None:
    """ExpectationsError for a rule that cannot be used beside the others."""
    path, name = columns.path, plain["name"]
    texts = ("name", "why", "fix", "kind", "severity")
    if not all(isinstance(plain[field], str) for field in texts) or not isinstance(
        plain["settings"], dict
    ):
        raise ExpectationsError(
            f"{path}: {name!r}: name, why, fix or severity is no text, or settings no dictionary",
            "write Rule(name, why, fix, kind, {settings})",
        )
    if name in SEVERITIES or name in names:
        raise ExpectationsError(
            f"{path}: expectations: there is an expectation {name!r} already",
            "give it a name of its own",
        )
    if plain["severity"] not in get_args(Severity):
        raise ExpectationsError(
            f"{path}: {name}: severity {plain['severity']!r}",
            f"use one of: {', '.join(get_args(Severity))}",
        )
    column = plain["settings"].get("column")
    if column is not None and column not in known:
        raise ExpectationsError(
            f"{path}: {name}: there is no column {column!r}",
            f"use one of: {', '.join(sorted(known))}",
        )
