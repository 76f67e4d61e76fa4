"""One expectation of the gate as it is written down: what is expected, and what a miss means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tinyops.data.quality.own_columns import Columns
from tinyops.projects.gate_section import Severity


@dataclass(frozen=True)
class Rule:
    """An expectation and what a miss of it means.

    Parameters
    ----------
    name
        Its own, for counts and severities.
    why
        What is expected, as in "expected <why>".
    fix
        What whoever sent the recording should do.
    kind
        An expectation class, of Great Expectations or of data.quality.expectations; in a project's
        own file its name will do, and saves importing Great Expectations there.
    settings
        Its arguments: column, min_value …
    severity
        What a miss leads to. Of the gate's own rules project.yaml decides that.
    """

    name: str
    why: str
    fix: str
    kind: Any
    settings: dict[str, Any] = field(default_factory=dict)
    severity: Severity = "quarantine"


@dataclass(frozen=True)
class Own:
    """What a project's expectations.py adds."""

    columns: Columns
    rules: list[Rule]
