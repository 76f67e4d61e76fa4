"""An object or a function in a child of its own; `worker` is the other side.

A call costs less than a millisecond, a new child ten; what the terms preload is imported once.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tinyops.confinement.limits import Limits
from tinyops.confinement.nursery import nursery
from tinyops.confinement.wire import WireError, receive, send
from tinyops.errors import TinyOpsError

DEFAULT = Limits()
_LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class Fall:
    """Why a call has no result.

    Parameters
    ----------
    kind
        It has crashed, gone above a limit, answered with no message, or raised an exception that
        is none of the library's.
    detail
        One line: how it crashed, which limit, what was raised.
    """

    kind: Literal["crash", "memory", "time", "answer", "exception"]
    detail: str


@dataclass(frozen=True)
class Terms:
    """What one kind of guest needs.

    Parameters
    ----------
    preload
        Modules that every child has without importing them.
    errors
        The library's errors that pass as they are; others become the first of them.
    explain
        From the name of the thing and how it fell, the error that its user sees.
    """

    preload: tuple[str, ...]
    errors: tuple[type[TinyOpsError], ...]
    explain: Callable[[str, Fall], TinyOpsError]


class Confined:
    """An object or a function that lives in a child of its own.

    Parameters
    ----------
    what
        How errors name it: "TensorFlow Lite Micro".
    target
        `module:name` of a function or a class. Arguments and results are what `wire` carries.

    Raises
    ------
    TinyOpsError
        One of the terms' errors: the target refuses its arguments, falls, or goes above a limit.
    """

    def __init__(
        self, what: str, target: str, *arguments: Any, terms: Terms, limits: Limits = DEFAULT
    ) -> None:
        self._what = what
        self._terms = terms
        self._limits = limits
        self._channel, guest = socket.socketpair()
        self._log = _make_log()
        self._close = weakref.finalize(self, _close, self._channel, self._log)
        self._nursery = nursery(terms.preload)
        with guest:
            self.process = self._nursery.start(limits, guest, self._log)
        self.first = self.call(target, *arguments)

    def call(self, name: str, *arguments: Any) -> Any:
        """The result of a method of the object."""
        deadline = time.monotonic() + self._limits.wall_seconds
        try:
            self._channel.settimeout(self._limits.wall_seconds)
            send(self._channel, [name, list(arguments)])
            answer = receive(self._channel, self._limits.message_bytes, deadline)
        except (EOFError, OSError, WireError) as error:
            raise self._fallen(error) from None
        except BaseException:
            self._end()
            raise
        if isinstance(answer, dict) and "result" in answer:
            return answer["result"]
        raise self._refused(answer)

    def log(self) -> str:
        """What the child has written to its standard output and error, up to a limit."""
        written = os.lseek(self._log, 0, os.SEEK_CUR)
        return os.pread(self._log, written, 0).decode(errors="replace")

    def close(self) -> None:
        """End the child; harmless when it has ended."""
        self._close()

    def _refused(self, answer: Any) -> TinyOpsError:
        if isinstance(answer, dict) and "error" in answer:
            name, message, fix = map(str, answer["error"])
            known = {kind.__name__: kind for kind in self._terms.errors}
            return known.get(name, self._terms.errors[0])(_line(message), _line(fix))
        if isinstance(answer, dict) and "memory" in answer:
            return self._too_large()
        failure = answer.get("failure", "") if isinstance(answer, dict) else ""
        return self._explained("exception", str(failure))

    def _fallen(self, error: Exception) -> TinyOpsError:
        status = self._end()
        if isinstance(error, TimeoutError):
            return self._explained("time", f"{self._limits.wall_seconds:g} s")
        if isinstance(error, WireError):
            return self._explained("answer", str(error))
        number = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0
        if number == signal.SIGXCPU:
            return self._explained("time", f"{self._limits.processor_seconds} s of processor time")
        if number == signal.SIGKILL or "bad_alloc" in self.log():
            return self._too_large()
        how = signal.Signals(number).name if number else f"exit status {status}"
        said = _line(self.log())
        return self._explained("crash", f"{how}: {said}" if said else how)

    def _too_large(self) -> TinyOpsError:
        return self._explained("memory", f"{self._limits.memory_bytes >> 20:,} MiB")

    def _explained(self, kind: Any, detail: str) -> TinyOpsError:
        return self._terms.explain(self._what, Fall(kind, _line(detail)))

    def _end(self) -> int | None:
        return self._nursery.end(self.process)


def confine(what: str, target: str, *arguments: Any, terms: Terms, limits: Limits = DEFAULT) -> Any:
    """The result of a function, run once in a child; parameters and errors as of `Confined`."""
    child = Confined(what, target, *arguments, terms=terms, limits=limits)
    child.close()
    return child.first


def _make_log() -> int:
    # In memory, and of a fixed size: the limit on files is too high for what is only said.
    log = os.memfd_create("tinyops-confined", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(log, _LOG_BYTES)
    fcntl.fcntl(log, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return log


def _close(channel: socket.socket, log: int) -> None:
    channel.close()
    os.close(log)


def _line(text: str) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
    return shown if len(shown) <= 300 else shown[:299] + "…"
