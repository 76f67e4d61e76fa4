"""What goes to the host and comes from it: late and damaged, as pacing and faults say."""

from __future__ import annotations

import math
import select
from pathlib import Path

from tinyops.boards.virtual.faults import Faults, FaultyLine, Loss
from tinyops.boards.virtual.pty_line import PtyLine
from tinyops.boards.virtual.wire import Wire


class HostLine:
    """The port while it is plugged in. Without a host, and without a plug, bytes are lost.

    Either side answers what it has heard. What came late because this machine was busy is answered
    as much earlier: a paced transfer takes what its line takes, and not the board's delays on top.

    Parameters
    ----------
    link
        Path of the symlink that stands for the port.
    """

    def __init__(self, link: Path, faults: Faults) -> None:
        self.link = link
        self._pty: PtyLine | None = None
        self.faulty = FaultyLine(faults)
        """The way of the host's bytes to the bootloader."""
        self._inward, self._outward = Wire(), Wire()

    @property
    def plugged(self) -> bool:
        """Whether there is a port."""
        return self._pty is not None

    @property
    def open(self) -> bool:
        """Whether a host has it open."""
        return self._pty is not None and self._pty.open

    @property
    def baud(self) -> int:
        """The speed that the host has set, 0 without a port."""
        return self._pty.baud if self._pty is not None else 0

    def plug(self) -> None:
        """Make the port."""
        self._pty = PtyLine(self.link)

    def unplug(self) -> None:
        """Remove it, with everything on its way."""
        self.cut()
        if self._pty is not None:
            self._pty.close()
            self._pty = None

    def cut(self) -> None:
        """The board's power is gone: nothing arrives any more."""
        self._inward.clear()
        self._outward.clear()

    def register(self, poll: select.poll) -> bool:
        """Let `poll` wake when there is something to do; whether a host is there."""
        if self._pty is None or not self._pty.open:
            return False
        poll.register(self._pty, select.POLLIN | (select.POLLOUT if self._pty.pending else 0))
        return True

    def read(self) -> bytes:
        """What the host has sent."""
        return self._pty.read() if self._pty is not None else b""

    def take_touch(self) -> bool:
        """Whether the host's last speed was 1200 baud; asked once, it is forgotten."""
        if self._pty is None or not self._pty.touched:
            return False
        self._pty.forget_speed()
        return True

    def pass_on(self, data: bytes, now: float, rate: float = math.inf) -> Loss | None:
        """Send the host's bytes to the bootloader, `rate` a second; what is lost behind them."""
        passed = self.faulty.passed(data)
        for delay, piece in passed.pieces:
            self._inward.put(piece, now - self._outward.lateness, rate, delay)
        return passed.loss

    def arrived(self, now: float) -> bytes:
        """What has reached the bootloader."""
        return self._inward.take(now)

    def write(self, data: bytes) -> None:
        """Send to the host at once."""
        if self._pty is not None:
            self._pty.write(data)

    def write_slowly(self, data: bytes, now: float, rate: float) -> None:
        """Send to the host, `rate` bytes a second."""
        self._outward.put(data, now - self._inward.lateness, rate)

    def flush(self, now: float) -> None:
        """Send on what is due and what waits for the host."""
        if self._pty is not None:
            if data := self._outward.take(now):
                self._pty.write(data)
            self._pty.flush()

    def hold(self, now: float, seconds: float) -> None:
        """The board is busy: bytes of both directions come so much later."""
        for wire in (self._inward, self._outward):
            wire.hold(now - self._inward.lateness, seconds)

    def next_due(self, now: float) -> float | None:
        """When something on its way arrives (time.monotonic), or None."""
        dues = (self._inward.next_due(now), self._outward.next_due(now))
        return min((due for due in dues if due is not None), default=None)
