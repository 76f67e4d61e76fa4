"""A project's own expectations: `include/projects/<name>/expectations.py`, where it has one.

The file is code of whoever owns the project and is run where the gate runs; no DAG file is parsed
through it. It has a function `expectations(project)` that returns `Rule`s, and may have `columns`:
{name: function of a Recording that returns a number, a text or None}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from tinyops.data.quality.columns import COLUMNS
from tinyops.data.quality.comparison.compare import COMPARED
from tinyops.data.quality.own_columns import Columns, ExpectationsError, failed
from tinyops.data.quality.rules import Own, Rule
from tinyops.projects import Project, projects_folder
from tinyops.projects.gate_section import SEVERITIES, Severity

FILE = "expectations.py"
FORM = "def expectations(project): return [Rule(name, why, fix, kind, {settings}), …]"


def own_expectations(project: Project) -> Own | None:
    """Load and run a project's expectations.py; None where there is none.

    Raises
    ------
    ExpectationsError
        The file does not run or does not say what it should.
    """
    path = projects_folder() / project.name / FILE
    if not path.is_file():
        return None
    space: dict[str, Any] = {"__name__": f"expectations_of_{project.name}", "__file__": str(path)}
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
    except Exception as error:
        raise failed(path, error, "it") from error
    make = space.get("expectations")
    if not callable(make):
        raise ExpectationsError(f"{path}: has no function expectations", f"write {FORM}")
    try:
        rules, columns = list(make(project)), dict(space.get("columns") or {})
    except Exception as error:
        raise failed(path, error, "expectations(project)") from error
    _check_columns(path, columns)
    _check_rules(path, rules, {*COLUMNS, *COMPARED, *columns})
    return Own(Columns(path, columns), rules)


def _check_columns(path: Path, columns: dict[Any, Any]) -> None:
    for name, function in columns.items():
        if not isinstance(name, str) or not callable(function):
            raise ExpectationsError(
                f"{path}: columns: {name!r} is no name with a function of a recording",
                "write columns = {'crest': crest}",
            )
        if name in COLUMNS or name in COMPARED:
            raise ExpectationsError(
                f"{path}: columns: the gate has a column {name!r} of its own", "rename it"
            )


def _check_rules(path: Path, rules: list[Any], columns: set[str]) -> None:
    seen: set[str] = set()
    for at, rule in enumerate(rules):
        if not isinstance(rule, Rule):
            raise ExpectationsError(
                f"{path}: expectations: item {at} is {type(rule).__name__}, no Rule",
                f"write {FORM}",
            )
        if rule.name in SEVERITIES or rule.name in seen:
            raise ExpectationsError(
                f"{path}: expectations: there is an expectation {rule.name!r} already",
                "give it a name of its own",
            )
        if rule.severity not in get_args(Severity):
            raise ExpectationsError(
                f"{path}: {rule.name}: severity {rule.severity!r}",
                f"use one of: {', '.join(get_args(Severity))}",
            )
        column = rule.settings.get("column")
        if column is not None and column not in columns:
            raise ExpectationsError(
                f"{path}: {rule.name}: there is no column {column!r}",
                f"use one of: {', '.join(sorted(columns))}",
            )
        seen.add(rule.name)
