"""The virtual sensor: answers the firmware's requests for samples, as a converter with DMA would.

The device sends 'S', a tag (u8) and a frame count (u16 LE) on the second UART. Once virtual time
has reached the last of them, that many frames, int16 LE interleaved by channel, lie at the start of
the memory shared with the device, and the tag is the answer (firmware/link/link.h).
"""

from __future__ import annotations

import struct
import time
from mmap import mmap
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.messages import SENSOR_REQUEST

_REQUEST = struct.Struct("<BBH")
# How soon a source that had too few samples is asked again, in seconds.
_AGAIN = 0.02


class SampleSource(Protocol):
    """Where a virtual sensor's counts come from."""

    def read(self, frames: int) -> NDArray[np.int16] | None:
        """The next counts, int16 [frames, channels]; None while they are not all there yet."""

    def restart(self) -> None:
        """The device was reset. Samples go on: the world does not start anew with it."""


class VirtualSensor:
    """Paces a source by virtual time. One question is open at a time: a new one voids it.

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
        self._open: tuple[float, int, int] | None = None  # due, tag, frames
        self._last = 0.0

    def restart(self) -> None:
        """The device was reset: what it asked for before is void."""
        self._input.clear()
        self._open = None
        self._last = 0.0
        self._source.restart()

    def feed(self, data: bytes, now: float | None = None) -> None:
        """Take the device's requests."""
        now = time.monotonic() if now is None else now
        self._input += data
        while self._input:
            if self._input[0] != SENSOR_REQUEST:
                del self._input[0]
                continue
            if len(self._input) < _REQUEST.size:
                return
            _, tag, frames = _REQUEST.unpack_from(self._input)
            del self._input[: _REQUEST.size]
            # A device that asks late gets its samples from now on; the sensor keeps no backlog.
            duration = frames * self._seconds_per_frame
            self._open = max(self._last, now - duration) + duration, tag, frames

    def next_due(self) -> float | None:
        """When `answer` has something to say (time.monotonic), or None."""
        return self._open[0] if self._open else None

    def answer(self, memory: mmap, now: float | None = None) -> bytes:
        """What to send the device: nothing before the samples are due; then they are in `memory`.

        Raises
        ------
        ValueError
            They do not fit; 16 MiB hold any request of a source of up to 128 channels.
        """
        now = time.monotonic() if now is None else now
        if self._open is None or now < self._open[0]:
            return b""
        due, tag, frames = self._open
        counts = self._source.read(frames)
        if counts is None:
            self._open = now + _AGAIN, tag, frames
            return b""
        self._open, self._last = None, due
        block = np.ascontiguousarray(counts, "<i2").tobytes()
        memory[: len(block)] = block
        return bytes((tag,))
