"""The expectations that every project's recordings must meet, built from project.yaml.

Written against Great Expectations 1.24. Importing it costs 5 s: only inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinyops.data.datasets.index import IndexRow
from tinyops.data.quality.own_columns import ExpectationsError
from tinyops.data.quality.rules import Own, Rule
from tinyops.data.quality.rules.among import among
from tinyops.data.quality.rules.before import before
from tinyops.data.quality.rules.classes import classes
from tinyops.data.quality.rules.form import form
from tinyops.data.quality.rules.identity import identity
from tinyops.data.quality.rules.signal import signal
from tinyops.projects import Project

# Great Expectations' word for each of ours; its Data Docs and JSON carry it.
GX_SEVERITY = {"refuse": "critical", "quarantine": "warning", "warn": "info"}


def expectations(
    project: Project, known: Sequence[IndexRow] = (), own: Own | None = None
) -> list[Any]:
    """Expectations on the gate's table. `meta` has name, severity, why, and a fix for a row that
    fails.

    Parameters
    ----------
    known
        The index of the version before; without one nothing is compared with it.
    own
        The project's own columns and rules.

    Raises
    ------
    ExpectationsError
        One of the project's rules has settings that its class does not take.
    """
    rules = [
        *identity(own),
        *form(project),
        *signal(project),
        *among(project),
        *before(project, known),
    ]
    return [*_of_gate(rules, project), *(_own(own) if own else ())]


def class_expectations(project: Project, known: Sequence[IndexRow] = ()) -> list[Any]:
    """Expectations on the rows of the gate's table that are accepted: a class whose recordings are
    all refused is absent.

    Parameters
    ----------
    known
        The index of the version before; without one nothing is compared with it.
    """
    return _of_gate(classes(project, known), project)


def _of_gate(rules: Sequence[Rule], project: Project) -> list[Any]:
    return [_made(rule, project.gate.severity_of(rule.name)) for rule in rules]


def _own(own: Own) -> Iterator[Any]:
    for rule in own.rules:
        try:
            yield _made(rule, rule.severity)
        except (TypeError, ValueError) as error:  # pydantic's is a ValueError
            said = "; ".join(str(error).splitlines()[:3])
            raise ExpectationsError(
                f"{own.columns.path}: {rule.name}: {said}", "correct its settings"
            ) from None


def _made(rule: Rule, severity: str) -> Any:
    meta = {"name": rule.name, "severity": severity, "why": rule.why, "fix": rule.fix}
    return rule.kind(notes=rule.why, severity=GX_SEVERITY[severity], meta=meta, **rule.settings)
