"""The child that runs a project's expectations.py: see `project_expectations`.

The file is code of whoever owns the project. Here it has no credentials in its environment and
limits of memory and time; what it says leaves as plain values.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from tinyops.data.quality.own_columns import ExpectationsError, failed
from tinyops.data.quality.rules.rule import Rule
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project

FORM = "def expectations(project): return [Rule(name, why, fix, kind, {settings}), …]"
KINDS = ("great_expectations", "tinyops.data.quality.expectations")
"""Packages that a rule's class may be of; nothing of the file's own runs beside credentials."""
_ANY = (Exception, SystemExit)


class ProjectCode:
    """A project's expectations.py, executed.

    Parameters
    ----------
    path
        The file.
    project
        JSON content of the project.

    Raises
    ------
    ExpectationsError
        The file does not run, or has no function `expectations`.
    """

    def __init__(self, path: str, project: Mapping[str, Any]) -> None:
        # As `import_gx` does: read when Great Expectations is imported.
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        self._path = Path(path)
        self._project = Project.model_validate(dict(project))
        name = f"expectations_of_{self._project.name}"
        space: dict[str, Any] = {"__name__": name, "__file__": path}
        try:
            text = self._path.read_text(encoding="utf-8")
            exec(compile(text, path, "exec"), space)
        except _ANY as error:
            raise failed(self._path, error, "it") from error
        self._make = space.get("expectations")
        if not callable(self._make):
            raise ExpectationsError(f"{path}: has no function expectations", f"write {FORM}")
        self._functions = space.get("columns") or {}

    def columns(self) -> list[str]:
        """Names of the file's columns."""
        try:
            self._functions = dict(self._functions)
        except (TypeError, ValueError) as error:
            raise failed(self._path, error, "columns") from error
        for name, function in self._functions.items():
            if not isinstance(name, str) or not callable(function):
                raise ExpectationsError(
                    f"{self._path}: columns: {name!r} is no name with a function of a recording",
                    "write columns = {'crest': crest}",
                )
        return list(self._functions)

    def rules(self) -> list[dict[str, Any]]:
        """The file's rules as plain values; `kind` is the name of a class."""
        try:
            rules = list(self._make(self._project))  # type: ignore[misc]
        except _ANY as error:
            raise failed(self._path, error, "expectations(project)") from error
        return [self._plain(at, rule) for at, rule in enumerate(rules)]

    def of(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The columns of a recording, given by its fields."""
        at = datetime.fromisoformat(fields["recorded_at"])
        recording = Recording(**fields | {"channels": tuple(fields["channels"]), "recorded_at": at})
        found = {}
        for name, function in self._functions.items():
            what = f"column {name!r} of recording {recording.recording_id!r}"
            try:
                value = function(recording)
            except _ANY as error:
                raise failed(self._path, error, what) from error
            found[name] = self._value(value, what)
        return found

    def _value(self, value: Any, what: str) -> bool | int | float | str | None:
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, np.bool_):
            return bool(value)
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value)
        raise ExpectationsError(
            f"{self._path}: {what} is {type(value).__name__}, expected a number, a text or None",
            "return one value",
        )

    def _plain(self, at: int, rule: Any) -> dict[str, Any]:
        if not isinstance(rule, Rule):
            raise ExpectationsError(
                f"{self._path}: expectations: item {at} is {type(rule).__name__}, no Rule",
                f"write {FORM}",
            )
        kind = rule.kind if isinstance(rule.kind, str) else self._name_of(rule)
        content = {name: getattr(rule, name) for name in ("name", "why", "fix", "severity")}
        content |= {"kind": kind, "settings": rule.settings}
        try:
            json.dumps(content)
        except (TypeError, ValueError, RecursionError) as error:
            raise ExpectationsError(
                f"{self._path}: {rule.name}: {error}",
                "use texts, numbers, lists and dictionaries only",
            ) from None
        return content

    def _name_of(self, rule: Rule) -> str:
        package = str(getattr(rule.kind, "__module__", ""))
        if not isinstance(rule.kind, type) or not package.startswith(KINDS):
            raise ExpectationsError(
                f"{self._path}: {rule.name}: kind {rule.kind!r:.80}, expected a class of "
                f"{' or '.join(KINDS)}",
                "compute a column of your own and use one of their classes on it",
            )
        return rule.kind.__name__
