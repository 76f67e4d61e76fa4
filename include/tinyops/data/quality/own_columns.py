"""A project's own columns of the gate's table, each computed from one recording in a child."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

from tinyops.confinement import Confined, Fall, Limits, Terms
from tinyops.data.recordings.recording import Recording
from tinyops.errors import TinyOpsError

log = logging.getLogger(__name__)
LIMITS = Limits(memory_bytes=4 << 30)


class ExpectationsError(TinyOpsError):
    """A project's expectations.py cannot be used; names file, line and what to write."""


def explain(what: str, fall: Fall) -> ExpectationsError:
    """The error of a file that did not survive its own code; `what` is its path."""
    match fall.kind:
        case "memory" | "time":
            message, fix = f"{what}: takes more than {fall.detail}", "make it smaller"
        case "crash":
            message, fix = f"{what}: ended its process ({fall.detail})", "raise an exception"
        case "answer" | "exception":
            message, fix = f"{what}: {fall.detail}", "return plain values"
    return ExpectationsError(message, fix)


TERMS = Terms(
    preload=("tinyops.data.quality.project_code",), errors=(ExpectationsError,), explain=explain
)


class Columns:
    """Columns of the file at `path`, whose code runs in a child without credentials.

    What the file prints goes into the log.

    Raises
    ------
    ExpectationsError
        The file does not run.
    """

    def __init__(self, path: Path, project: dict[str, Any]) -> None:
        self.path = path
        self._told = 0
        target = "tinyops.data.quality.project_code:ProjectCode"
        self._child = Confined(str(path), target, str(path), project, terms=TERMS, limits=LIMITS)
        self.names: list[str] = list(self.ask("columns"))

    def ask(self, question: str, *arguments: Any) -> Any:
        """The answer of a method of ProjectCode."""
        try:
            return self._child.call(question, *arguments)
        finally:
            self._log_output()

    def of(self, recording: Recording) -> dict[str, Any]:
        """The columns of one recording.

        Raises
        ------
        ExpectationsError
            A function raised, or returned no number, text or None.
        """
        if not self.names:
            return {}
        fields = {name: getattr(recording, name) for name in recording.__dataclass_fields__}
        fields["recorded_at"] = recording.recorded_at.isoformat()
        return dict(self.ask("of", fields))

    def _log_output(self) -> None:
        output = self._child.log()
        for line in output[self._told :].splitlines():
            log.info("%s: %s", self.path, line)
        self._told = len(output)


def failed(path: Path, error: BaseException, what: str) -> ExpectationsError:
    """The error for something in the file at `path` that raised; names the line there."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno
    where = f"{path} line {line}" if line else str(path)
    said = str(error).splitlines()[0] if str(error) else "no message"
    return ExpectationsError(
        f"{where}: {what} raised {type(error).__name__}: {said}", "correct that line"
    )
