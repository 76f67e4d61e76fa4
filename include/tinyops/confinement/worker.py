"""The other side of `confined`: a process that forks one child for each guest.

What takes time to import is imported once, here; a child then starts in milliseconds, with limits
of its own, and takes nothing with it when it falls. Started by `nursery.Nursery`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import math
import os
import resource
import signal
import socket
import sys
from typing import Any

from tinyops.confinement.wire import WireError, receive, send
from tinyops.errors import TinyOpsError

_REQUEST_BYTES = 65536
_PR_SET_PDEATHSIG = 1
_REMEMBERED = 1024


def main(control: socket.socket, preload: list[str]) -> None:
    """Fork children until the other end closes: then this process ends, and they with it."""
    for module in preload:
        # What is not imported here is imported again by every child.
        importlib.import_module(module)
    gc.freeze()
    alive: set[int] = set()
    ended: dict[int, int] = {}
    while True:
        message, files, _, _ = socket.recv_fds(control, _REQUEST_BYTES, 2)
        if not message:
            return
        _collect(alive, ended)
        request = json.loads(message)
        if "end" in request:
            control.send(json.dumps(_end(request["end"], alive, ended)).encode())
            continue
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            control.close()
            _serve(socket.socket(fileno=files[0]), files[1], request, parent)
            os._exit(0)
        for file in files:
            os.close(file)
        alive.add(child)
        control.send(json.dumps(child).encode())


def _collect(alive: set[int], ended: dict[int, int]) -> None:
    # Children whose end nobody asks for are those that closed in peace.
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            alive.discard(found[0])
            ended[found[0]] = found[1]
    while len(ended) > _REMEMBERED:
        del ended[next(iter(ended))]


def _end(child: int, alive: set[int], ended: dict[int, int]) -> int | None:
    """Its wait status. Only this process may kill by id: nobody else knows whose the id is."""
    if child in alive:
        # A child that is exiting already keeps the status it exits with.
        os.kill(child, signal.SIGKILL)
        ended[child] = os.waitpid(child, 0)[1]
        alive.discard(child)
    return ended.pop(child, None)


def _serve(channel: socket.socket, log: int, limits: dict[str, int], parent: int) -> None:
    """Answer calls of one user until its end closes."""
    null = os.open(os.devnull, os.O_RDWR)
    for target, file in ((0, null), (1, log), (2, log)):
        os.dup2(file, target)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(resource.RLIMIT_FSIZE, limits["file"])
    _limit(resource.RLIMIT_AS, limits["memory"])
    served: Any = None
    with contextlib.suppress(EOFError, OSError, WireError):
        while True:
            name, arguments = receive(channel, limits["message"])
            _allow(limits["processor"])
            try:
                function = _find(name) if served is None else getattr(served, name)
                result = function(*arguments)
                if isinstance(function, type):
                    served, result = result, None
                answer = {"result": result}
            except TinyOpsError as error:
                answer = {"error": [type(error).__name__, error.message, error.fix]}
            except MemoryError:
                answer = {"memory": True}
            except (Exception, SystemExit) as error:
                # Whatever the bytes lead a reader or a runtime to.
                answer = {"failure": f"{type(error).__name__}: {error}"[:400]}
            with contextlib.suppress(Exception):
                sys.stdout.flush()  # the user of the answer may read the log first
            send(channel, answer)


def _limit(kind: int, wanted: int) -> None:
    """A limit that cannot be raised again; what this process was given may be less already."""
    given = resource.getrlimit(kind)[1]
    most = wanted if given == resource.RLIM_INFINITY else min(wanted, given)
    resource.setrlimit(kind, (most, most))


def _allow(seconds: int) -> None:
    """Another so many seconds of processor time: the limit is for each call, not for the whole."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _find(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
