"""Reports a full disk once, as soon as an event can be recorded."""

from __future__ import annotations

from collections.abc import Callable

from tinyops.fleet.event import Event
from tinyops.gateway.database import DiskFull
from tinyops.gateway.disk_reserve import DiskReserve
from tinyops.gateway.log import say


class DiskWatch:
    """Used by one thread."""

    def __init__(self, reserve: DiskReserve) -> None:
        self._reserve = reserve
        self._full = False
        self._unreported = ""
        self._unrecorded = ""

    def report(self, record: Callable[[Event], None]) -> None:
        """Record an event if the disk has become full. `record` raises DiskFull if it cannot.

        A disk that has room again before the event could be recorded was full nevertheless.
        """
        problem = self._reserve.check()
        if problem and not self._full:
            self._unreported = problem
            say("disk full", warn=True, problem=problem)
        if self._full and not problem:
            say("disk has room again")
        self._full = bool(problem)
        if self._unreported:
            record(Event("error", detail=self._unreported))
            self._unreported = ""
        if not problem:
            self._unrecorded = ""

    def cannot_record(self, error: DiskFull) -> None:
        """Log that nothing can be recorded, once."""
        if error.message != self._unrecorded:
            say("cannot record", warn=True, problem=error)
        self._unrecorded = error.message
