"""A project's own columns of the gate's table, each computed from one recording."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyops.data.recordings.recording import Recording
from tinyops.errors import TinyOpsError


class ExpectationsError(TinyOpsError):
    """A project's expectations.py cannot be used; names file, line and what to write."""


@dataclass(frozen=True)
class Columns:
    """Functions by column; `path` is the file that they are from."""

    path: Path
    functions: Mapping[str, Callable[[Recording], Any]]

    @property
    def names(self) -> list[str]:
        """In the order in which they were written."""
        return list(self.functions)

    def of(self, recording: Recording) -> dict[str, Any]:
        """The columns of one recording.

        Raises
        ------
        ExpectationsError
            A function raised.
        """
        found = {}
        for name, function in self.functions.items():
            try:
                found[name] = function(recording)
            except Exception as error:
                what = f"column {name!r} of recording {recording.recording_id!r}"
                raise failed(self.path, error, what) from error
        return found


def failed(path: Path, error: Exception, what: str) -> ExpectationsError:
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
