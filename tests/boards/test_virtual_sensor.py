"""The virtual sensor: when its samples come, and which."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from mmap import mmap

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.boards.virtual_boards import Counter
from tinyops.boards.virtual.sensor import VirtualSensor


def asking(frames: int, tag: int = 1) -> bytes:
    return b"S" + struct.pack("<BH", tag, frames)


@pytest.fixture
def memory() -> Iterator[mmap]:
    """Memory as a machine shares it."""
    with mmap(-1, 1 << 16) as shared:
        yield shared


def test_samples_come_when_virtual_time_has_reached_them(memory: mmap) -> None:
    sensor = VirtualSensor(Counter(), rate_hz=100.0, speed=2.0)
    sensor.feed(b"?" + asking(20)[:2], now=50.0)
    sensor.feed(asking(20)[2:], now=50.0)
    assert sensor.answer(memory, now=50.0) == b"\1"
    assert memory[:40] == np.arange(256, 276, dtype="<i2").tobytes()
    sensor.feed(asking(20, tag=2), now=50.0)
    assert sensor.answer(memory, now=50.09) == b""
    assert memory[:2] == b"\0\1", "what is not due is not in the memory"
    assert sensor.next_due() == pytest.approx(50.1)
    assert sensor.answer(memory, now=50.1001) == b"\2"
    assert memory[:40] == np.arange(276, 296, dtype="<i2").tobytes()
    assert sensor.next_due() is None


def test_a_busy_host_is_not_followed_by_a_burst(memory: mmap) -> None:
    sensor = VirtualSensor(Counter(), rate_hz=100.0)
    answered = []
    now = 0.0
    for step in range(400):
        # Ten milliseconds a step; the host stands still from 1 s to 3 s.
        now = step / 100 + (2.0 if step >= 100 else 0.0)
        if sensor.next_due() is None:
            sensor.feed(asking(10), now)
        if sensor.answer(memory, now):
            answered.append(now)
    gaps = np.diff([moment for moment in answered if moment >= 3.0])
    assert gaps[:2] == pytest.approx([0.01, 0.1], abs=0.011), "one block is caught up on"
    assert gaps[2:] == pytest.approx(0.1, abs=0.011)


def test_a_question_voids_the_one_before_and_costs_no_samples(memory: mmap) -> None:
    sensor = VirtualSensor(Counter(), rate_hz=100.0)
    sensor.feed(asking(50, tag=1), now=10.0)
    assert sensor.answer(memory, now=10.0) == b"\1"
    sensor.feed(asking(50, tag=2) + asking(8, tag=3), now=10.0)
    assert sensor.answer(memory, now=10.081) == b"\3"
    assert memory[:2] == struct.pack("<h", 306)
    assert sensor.next_due() is None


def test_a_source_with_too_few_samples_is_asked_again(memory: mmap) -> None:
    class Slow(Counter):
        ready = False

        def read(self, frames: int) -> NDArray[np.int16] | None:  # type: ignore[override]
            return super().read(frames) if self.ready else None

    source = Slow()
    sensor = VirtualSensor(source, rate_hz=100.0, speed=math.inf)
    sensor.feed(asking(4), now=1.0)
    assert sensor.answer(memory, now=1.0) == b""
    source.ready = True
    due = sensor.next_due()
    assert due is not None
    assert due > 1.0
    assert sensor.answer(memory, now=due) == b"\1"
