"""A thread that runs one step after another, and takes orders from other threads in between."""

from __future__ import annotations

import contextlib
import math
import os
import select
import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class BoardThread(ABC):
    """Runs `_step` again and again between `start` and `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._orders: list[str] = []
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=self._name)
        self._thread.start()

    def stop(self) -> None:
        """End, and raise what had ended the thread before, if anything."""
        self._stopping.set()
        self._order("")
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._close()
        if self._failure is not None:
            raise self._failure

    def wait(self) -> None:
        """Until the thread ends."""
        # Not join(): a signal handler's exception in it marks a live thread as ended (Python 3.11).
        self._ended.wait()

    @abstractmethod
    def _step(self) -> None:
        """Wait for something to do with `_ready`, and do it."""

    @abstractmethod
    def _obey(self, order: str) -> None:
        """Carry out what another thread has ordered."""

    @abstractmethod
    def _end(self) -> None:
        """The thread's last act, whatever ends it."""

    @abstractmethod
    def _close(self) -> None:
        """Give up what no thread uses any more."""

    def _order(self, order: str) -> None:
        self._orders.append(order)
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"!")

    def _poll(self) -> select.poll:
        """A poll that an order ends."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        return poll

    def _ready(self, poll: select.poll, patience: float) -> bool:
        """Wait for `poll`, `patience` seconds at most; False if an order came and was obeyed."""
        due = time.monotonic() + patience
        ready = {fd for fd, _ in poll.poll(math.floor(patience * 1000))}
        if not ready:
            # poll takes whole milliseconds: a byte's time at 115200 baud is a tenth of one.
            time.sleep(min(max(0.0, due - time.monotonic()), 0.001))
        if self._wake_read not in ready:
            return True
        os.read(self._wake_read, 4096)
        while self._orders:
            self._obey(self._orders.pop(0))
        return False

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._step()
        except BaseException as error:
            self._failure = error
        finally:
            self._end()
            self._ended.set()
