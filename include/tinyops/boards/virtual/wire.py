"""A serial line on which bytes take their time, in one direction."""

from __future__ import annotations

import math
from collections import deque

START_TO_STOP = 10
"""Bits that a byte takes on a line with eight data bits, no parity and one stop bit."""
_LOOK = 0.002
"""How often bytes on their way are looked at, in seconds: a bootloader answers within a packet."""


class Wire:
    """Bytes arrive in order, each as long after the one before it as the line's speed says."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[float, float, bytes]] = deque()
        self._free = 0.0
        self.lateness = 0.0
        """Seconds from the arrival of the last byte that was taken until it was taken."""

    def put(self, data: bytes, now: float, rate: float = math.inf, delay: float = 0.0) -> None:
        """Send.

        Parameters
        ----------
        rate
            Bytes per second.
        delay
            Seconds that the first byte waits before it.
        """
        if not data:
            return
        start = max(now, self._free) + delay
        self._free = start + len(data) / rate
        self._pieces.append((start, rate, data))

    def take(self, now: float) -> bytes:
        """What has arrived."""
        arrived = bytearray()
        while self._pieces:
            start, rate, data = self._pieces[0]
            ready = len(data) if math.isinf(rate) else int((now - start) * rate + 1e-6)
            if now < start or ready <= 0:
                break
            arrived += data[:ready]
            self.lateness = now - start - min(ready, len(data)) / rate
            self._pieces.popleft()
            if ready < len(data):
                self._pieces.appendleft((start + ready / rate, rate, data[ready:]))
                break
        return bytes(arrived)

    def hold(self, now: float, seconds: float) -> None:
        """Whatever is sent from now on leaves so much later."""
        self._free = max(self._free, now) + seconds

    def next_due(self, now: float) -> float | None:
        """When to look again (time.monotonic); None when nothing is on its way."""
        if not self._pieces:
            return None
        start, rate, data = self._pieces[0]
        return max(start, min(start + len(data) / rate, now + _LOOK))

    def clear(self) -> None:
        """Everything on its way is lost."""
        self._pieces.clear()
        self._free = self.lateness = 0.0
