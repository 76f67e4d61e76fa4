"""Ending the gateway at a safe point: a flash that can end soon does, a longer one stops.

A board that is half written stays in its bootloader until the gateway is back, and the journal has
it written again from the start. So it is better to finish, as long as the service manager waits.
"""

from __future__ import annotations

import time


class Stopped(Exception):
    """The gateway shuts down; the step is repeated at the next start."""


class Shutdown:
    """Shared by all threads. Takes no lock, so a signal handler may begin it.

    Parameters
    ----------
    grace
        Seconds that a flash under way may still take.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._deadline: float | None = None

    @property
    def begun(self) -> bool:
        """Whether the gateway shall end."""
        return self._deadline is not None

    def begin(self) -> None:
        """From now on nothing new is begun; harmless twice."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace

    def allows(self, seconds: float) -> bool:
        """Whether something that is under way may take so long."""
        return self._deadline is None or time.monotonic() + seconds <= self._deadline

    def pause(self, seconds: float) -> None:
        """Sleep for a moment; Stopped when the gateway shall end."""
        time.sleep(seconds)
        if self.begun:
            raise Stopped


class FlashPace:
    """The progress of one flash: raises Stopped where it would go on for too long.

    How long it takes is taken from the pace so far. What has not begun to write is stopped.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._began = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """As `boards.flash_report.Progress`."""
        if done == 0:
            self._began = time.monotonic()
        if self._shutdown.begun and done < total and not self._ends_soon(done / total):
            raise Stopped

    def _ends_soon(self, share: float) -> bool:
        taken = time.monotonic() - self._began
        return share > 0 and self._shutdown.allows(taken * (1 - share) / share)
