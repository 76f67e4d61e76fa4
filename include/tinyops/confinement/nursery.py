"""The process that forks a child for each guest; `confined` speaks with the children."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tinyops.confinement.limits import Limits
from tinyops.environment import bare_environment
from tinyops.errors import TinyOpsError

# One thread in BLAS: a process with threads cannot be forked safely. Arrow's own allocators reserve
# address space by the gigabyte, and glibc 64 MB for each thread, which the limit of memory counts.
_QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
}


_LIBRARY = Path(__file__).resolve().parents[2]


class Nursery:
    """The process that forks the children: one for this process and each set of modules, started
    when first needed."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self.control, guest = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The child runs the library that its parent runs, and finds what its parent finds.
        path = [str(_LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**bare_environment(), **_QUIET, "PYTHONPATH": os.pathsep.join(path)}
        with guest:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.worker", str(guest.fileno()), *preload],
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
            "file": limits.file_bytes,
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
            raise TinyOpsError("the process that starts confined children has ended", "try again")
        return json.loads(answer)


_started: dict[tuple[str, ...], Nursery] = {}
_starting = threading.Lock()


def nursery(preload: tuple[str, ...]) -> Nursery:
    """The one of this process whose children have these modules."""
    with _starting:
        found = _started.get(preload)
        if found is None or found.process.poll() is not None:
            found = _started[preload] = Nursery(preload)
        return found


def _stop() -> None:
    for each in _started.values():
        each.stop()


def _forget() -> None:
    # A fork of this process must not speak on its parent's lines.
    global _started, _starting
    for each in _started.values():
        each.control.close()
    _started, _starting = {}, threading.Lock()


atexit.register(_stop)
os.register_at_fork(after_in_child=_forget)
