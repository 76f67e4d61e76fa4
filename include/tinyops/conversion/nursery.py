"""The process that forks a child for each untrusted model; `confined` speaks with the children."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

from tinyops.environment import bare_environment
from tinyops.errors import TinyOpsError


@dataclass(frozen=True)
class Limits:
    """What one child may use.

    Parameters
    ----------
    memory_bytes
        Address space, the 140 MB of the interpreter and its imports included.
    processor_seconds, wall_seconds
        Of one call.
    message_bytes
        Of one call's arguments, and of its result.
    """

    memory_bytes: int = 1 << 30
    processor_seconds: int = 60
    wall_seconds: float = 300.0
    message_bytes: int = 256 << 20


class Nursery:
    """The process that forks the children: one for this process, started when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.control, guest = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # One thread in BLAS: a process with threads cannot be forked safely.
        environment = {**bare_environment(), "OPENBLAS_NUM_THREADS": "1"}
        with guest:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tinyops.conversion.confined_child", str(guest.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
                pass_fds=[guest.fileno()],
                start_new_session=True,
            )

    def start(self, limits: Limits, channel: socket.socket, log: int) -> int:
        """The id of a new child that serves `channel`."""
        request = {
            "memory": limits.memory_bytes,
            "processor": limits.processor_seconds,
            "message": limits.message_bytes,
        }
        return int(self._ask(request, [channel.fileno(), log]))

    def end(self, child: int) -> int | None:
        """Kill a child that may have ended already; its wait status."""
        try:
            status = self._ask({"end": child}, [])
        except TinyOpsError:
            return None
        return None if status is None else int(status)

    def stop(self) -> None:
        """End the process, and with it all children."""
        self.control.close()
        self.process.wait()

    def _ask(self, request: dict[str, int], files: list[int]) -> Any:
        answer = b""
        with self._lock, contextlib.suppress(OSError):
            socket.send_fds(self.control, [json.dumps(request).encode()], files)
            answer = self.control.recv(256)
        if not answer:
            raise TinyOpsError("the process that runs untrusted models has ended", "try again")
        return json.loads(answer)


_started: Nursery | None = None
_starting = threading.Lock()


def nursery() -> Nursery:
    """The one of this process."""
    global _started
    with _starting:
        if _started is None or _started.process.poll() is not None:
            _started = Nursery()
        return _started


def _stop() -> None:
    if _started is not None:
        _started.stop()


def _forget() -> None:
    # A fork of this process must not speak on its parent's line.
    global _started, _starting
    if _started is not None:
        _started.control.close()
    _started, _starting = None, threading.Lock()


atexit.register(_stop)
os.register_at_fork(after_in_child=_forget)
