"""Room on the state folder's disk that belongs to the journal.

A file of RESERVE_BYTES is kept beside the journal and removed when the disk is almost full, so that
device steps and events can still be recorded. As long as it is away nothing but the journal writes:
no metadata, no images. It is made again once there is room for it.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from tinyops.gateway.log import say

RESERVE_BYTES = 4 * 1024 * 1024
"""The write-ahead log takes 1 MiB (see `database`), frames that wait 0.5 kB each, events 0.5 kB."""
LEAST_FREE = 1024 * 1024
"""Bytes below which the disk counts as full: a poll may write that much metadata."""


class DiskReserve:
    """Safe to share between threads.

    Parameters
    ----------
    folder
        State folder of the gateway.
    """

    def __init__(self, folder: Path, size: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self._path = folder / "reserve"
        self._size = size
        self._lock = threading.Lock()
        self.problem = ""
        """Why nothing but the journal may write; empty while there is room."""

    def check(self) -> str:
        """Make the reserve if it is missing and there is room; returns `problem`."""
        with self._lock:
            try:
                self.problem = self._make()
            except OSError as error:
                self.problem = f"disk of {self._folder}: {error.strerror or error}"
            return self.problem

    def before_write(self) -> None:
        """Remove the reserve if the journal may need its room now."""
        if self._free() < LEAST_FREE:
            self.release()

    def release(self) -> None:
        """Remove the reserve; harmless if it is away."""
        with self._lock:
            try:
                self._path.unlink()
            except FileNotFoundError:
                return
            except OSError as error:
                self.problem = f"disk of {self._folder}: {error.strerror or error}"
                return
            self.problem = self._full()
        say("disk reserve released", warn=True, problem=self.problem)

    def _make(self) -> str:
        if self._path.exists() and self._path.stat().st_size == self._size:
            return "" if self._free() >= LEAST_FREE else self._full()
        if self._free() < self._size + LEAST_FREE:
            return self._full()
        with self._path.open("wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, self._size)
            except OSError:
                file.truncate(0)
                self._path.unlink(missing_ok=True)
                return self._full()
        return ""

    def _full(self) -> str:
        # No figure: a message that changes with each byte would be a new problem each time.
        return f"disk full: less than {(self._size + LEAST_FREE) >> 20} MiB free for {self._folder}"

    def _free(self) -> int:
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return 0
        return disk.f_bavail * disk.f_frsize
