"""The virtual sensor: answers the firmware's requests for samples on the second UART.

The device sends 'S' and a frame count (u16 LE) and gets exactly that many frames, int16 LE,
interleaved by channel, once virtual time has reached the last of them.
"""

from __future__ import annotations

import struct
import time
from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

REQUEST = 0x53
_SIZE = 3


class SampleSource(Protocol):
    """Where a virtual sensor's counts come from."""

    def read(self, frames: int) -> NDArray[np.int16]:
        """The next counts, int16 [frames, channels]."""


class VirtualSensor:
    """Paces a source by virtual time.

    Parameters
    ----------
    source
        The samples.
    rate_hz
        Frames per second of virtual time.
    speed
        Virtual seconds per real second; 1.0 is real time, infinity does not wait.
    """

    def __init__(self, source: SampleSource, rate_hz: float, speed: float = 1.0) -> None:
        self._source = source
        self._seconds_per_frame = 1.0 / (rate_hz * speed)
        self._input = bytearray()
        self._due: deque[tuple[float, int]] = deque()
        self._last = 0.0

    def restart(self) -> None:
        """The device was reset: what it asked for before is void."""
        self._input.clear()
        self._due.clear()
        self._last = 0.0

    def feed(self, data: bytes, now: float | None = None) -> None:
        """Take the device's requests."""
        now = time.monotonic() if now is None else now
        self._input += data
        while self._input:
            if self._input[0] != REQUEST:
                del self._input[0]
                continue
            if len(self._input) < _SIZE:
                return
            (frames,) = struct.unpack_from("<H", self._input, 1)
            del self._input[:_SIZE]
            # A device that asks late gets its samples from now on; the sensor keeps no backlog.
            begin = max(self._last, now - frames * self._seconds_per_frame)
            self._last = begin + frames * self._seconds_per_frame
            self._due.append((self._last, frames))

    def next_due(self) -> float | None:
        """When `answers` has something to say (time.monotonic), or None."""
        return self._due[0][0] if self._due else None

    def answers(self, now: float | None = None) -> bytes:
        """The samples that are due."""
        now = time.monotonic() if now is None else now
        data = b""
        while self._due and self._due[0][0] <= now:
            _, frames = self._due.popleft()
            data += np.ascontiguousarray(self._source.read(frames), "<i2").tobytes()
        return data
