"""Native runtimes on models that nobody has vouched for: in a child with limits.

TensorFlow Lite Micro and LiteRT are C++ that may abort, loop or take all memory on a damaged model,
and the reader of flatbuffers is Python that follows whatever offsets it finds. So they run in a
process of their own, which has a limit of memory and of time, no core dumps and no credentials, and
which ends with this process. It guards against accidents and against what a fuzzer finds; it is no
wall against code that has been smuggled in: the child is the same user on the same files.

A call costs less than a millisecond, a new child ten; importing the runtimes is paid once.
"""

from __future__ import annotations

import os
import signal
import socket
import time
import weakref
from typing import Any

from tinyops.conversion.errors import (
    CompilerMissing,
    ConversionError,
    DoesNotFit,
    ProofFailed,
)
from tinyops.conversion.nursery import Limits, nursery
from tinyops.conversion.wire import WireError, receive, send
from tinyops.errors import TinyOpsError

DEFAULT = Limits()
_KINDS = {kind.__name__: kind for kind in (CompilerMissing, DoesNotFit, ProofFailed)}


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
    ConversionError
        The target refuses its arguments, falls, or goes above a limit.
    """

    def __init__(self, what: str, target: str, *arguments: Any, limits: Limits = DEFAULT) -> None:
        self._what = what
        self._limits = limits
        self._channel, guest = socket.socketpair()
        self._log = os.memfd_create("tinyops-confined")
        self._close = weakref.finalize(self, _close, self._channel, self._log)
        self._nursery = nursery()
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
        """What the runtime has written to its standard output and error."""
        size = os.fstat(self._log).st_size
        return os.pread(self._log, size, 0).decode(errors="replace")

    def close(self) -> None:
        """End the child; harmless when it has ended."""
        self._close()

    def _refused(self, answer: Any) -> TinyOpsError:
        if isinstance(answer, dict) and "error" in answer:
            name, message, fix = map(str, answer["error"])
            return _KINDS.get(name, ConversionError)(_line(message), _line(fix))
        if isinstance(answer, dict) and "memory" in answer:
            return self._too_large()
        failure = answer.get("failure", "") if isinstance(answer, dict) else ""
        return ConversionError(
            f"{self._what} cannot take the model: {_line(str(failure))}", "export the model again"
        )

    def _fallen(self, error: Exception) -> ConversionError:
        status = self._end()
        if isinstance(error, TimeoutError):
            limit = f"{self._limits.wall_seconds:g} s"
            return self._too_slow(limit)
        if isinstance(error, WireError):
            return ConversionError(
                f"{self._what} gives {_line(str(error))} for the model", "give a smaller model"
            )
        number = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0
        if number == signal.SIGXCPU:
            return self._too_slow(f"{self._limits.processor_seconds} s of processor time")
        if number == signal.SIGKILL or "bad_alloc" in self.log():
            return self._too_large()
        how = signal.Signals(number).name if number else f"exit status {status}"
        said = _line(self.log())
        return ConversionError(
            f"{self._what} crashes on the model ({how})" + (f": {said}" if said else ""),
            "export it again with a current converter; `tinyops ops` lists its operators",
        )

    def _too_large(self) -> ConversionError:
        return ConversionError(
            f"{self._what} needs more than {self._limits.memory_bytes >> 20:,} MiB for the model",
            "make its tensors smaller: no board has a hundredth of that",
        )

    def _too_slow(self, limit: str) -> ConversionError:
        return ConversionError(
            f"{self._what} takes more than {limit} for the model", "make the model smaller"
        )

    def _end(self) -> int | None:
        return self._nursery.end(self.process)


def confine(what: str, target: str, *arguments: Any, limits: Limits = DEFAULT) -> Any:
    """The result of a function, run once in a child; parameters and errors as of `Confined`."""
    child = Confined(what, target, *arguments, limits=limits)
    child.close()
    return child.first


def _close(channel: socket.socket, log: int) -> None:
    channel.close()
    os.close(log)


def _line(text: str) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
    return shown if len(shown) <= 300 else shown[:299] + "…"
