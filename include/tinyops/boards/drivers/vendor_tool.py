"""A vendor's command-line tool as a subprocess: its output as it comes, and an end in any case."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tinyops.environment import bare_environment

EXIT_TIMEOUT = 5.0


class VendorTool:
    """A running tool in a process group of its own. Leaving the `with` block ends the group.

    Parameters
    ----------
    argv
        The program and its arguments.
    folder
        Where it runs.
    environment
        Added to an environment without credentials.
    """

    def __init__(self, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            argv,
            cwd=folder,
            env=bare_environment() | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()

    def read(self, timeout: float) -> bytes | None:
        """Its output as soon as there is any; empty after `timeout` seconds; None at the end."""
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return b""
        return os.read(self._output.fileno(), 65536) or None

    def status(self) -> int | None:
        """Its exit status; None when it does not end though its output has ended."""
        try:
            return self._process.wait(EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            return None
