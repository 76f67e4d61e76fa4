"""Lines that take their time, and what can go wrong on them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyops.boards.virtual.faults import Faults, FaultyLine
from tinyops.boards.virtual.host_line import HostLine
from tinyops.boards.virtual.wire import Wire


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=6),
    looks=st.lists(st.floats(0.001, 0.5), max_size=30),
    rate=st.sampled_from([100.0, 11_520.0, 1e6]),
)
def test_bytes_arrive_in_order_and_not_too_early(
    pieces: list[bytes], looks: list[float], rate: float
) -> None:
    wire, sent = Wire(), b"".join(pieces)
    for piece in pieces:
        wire.put(piece, now=1.0, rate=rate)
    arrived, now = b"", 1.0
    for step in looks:
        now += step
        arrived += wire.take(now)
        assert len(arrived) <= (now - 1.0) * rate + 1e-3
    arrived += wire.take(1.0 + len(sent) / rate + 1e-3 if now < 1.0 + len(sent) / rate else now + 1)
    assert arrived == sent
    assert wire.next_due(now) is None


def test_what_is_held_comes_later() -> None:
    wire = Wire()
    wire.hold(0.0, 0.1)
    wire.hold(0.0, 0.2)
    wire.put(b"ab", now=0.05, rate=10.0, delay=0.5)
    assert wire.take(0.85) == b""
    assert wire.next_due(0.7) == 0.8
    assert wire.take(0.91) == b"a"
    assert wire.take(1.01) == b"b"
    wire.put(b"c", now=2.0)
    wire.clear()
    assert wire.take(9.0) == b""


def test_a_wire_knows_how_late_its_bytes_are_taken() -> None:
    wire = Wire()
    wire.put(b"abcd", now=1.0, rate=10.0)
    assert wire.take(1.25) == b"ab"
    assert wire.lateness == pytest.approx(0.05)
    assert wire.take(1.3) == b"c"
    assert wire.lateness == pytest.approx(0.0)
    assert wire.take(9.0) == b"d"
    assert wire.lateness == pytest.approx(9.0 - 1.4)


def test_what_came_late_is_answered_as_much_earlier(tmp_path: Path) -> None:
    line = HostLine(tmp_path / "tty", Faults())
    line.plug()
    line.pass_on(b"ab", now=1.0, rate=10.0)
    assert line.arrived(1.5) == b"ab"  # it was there at 1.2
    line.write_slowly(b"cd", now=1.6, rate=10.0)
    line.flush(1.9)  # 0.4 late, since it was there at 1.5
    line.pass_on(b"e", now=2.0, rate=10.0)
    assert line.arrived(1.69) == b""
    assert line.arrived(1.71) == b"e"
    line.unplug()


def passed(faults: Faults, data: bytes, size: int = 7) -> bytes:
    line, arrived = FaultyLine(faults), b""
    for at in range(0, len(data), size):
        arrived += b"".join(piece for _, piece in line.passed(data[at : at + size]).pieces)
    return arrived


def test_a_storm_damages_every_byte_in_it_and_no_other() -> None:
    data = bytes(range(100))
    arrived = passed(Faults(storm_after=10, storm_bytes=30), data)
    assert [a != b for a, b in zip(arrived, data, strict=True)] == [
        10 <= place < 40 for place in range(100)
    ]


def test_a_dead_bootloader_hears_nothing() -> None:
    assert passed(Faults(dead=True), bytes(100)) == b""


def test_delays_keep_order_and_content() -> None:
    data = bytes(range(256))
    line = FaultyLine(Faults(delay=0.05, delay_seconds=0.2, seed=3))
    pieces = line.passed(data).pieces
    assert b"".join(piece for _, piece in pieces) == data
    assert {delay for delay, _ in pieces} == {0.0, 0.2}


def test_each_loss_comes_once_at_its_byte() -> None:
    line = FaultyLine(Faults(power_cut_after=5, unplug_after=12))
    first = line.passed(bytes(8))
    assert (first.loss, sum(len(piece) for _, piece in first.pieces)) == ("power", 5)
    second = line.passed(bytes(8))
    assert (second.loss, sum(len(piece) for _, piece in second.pieces)) == ("plug", 7)
    assert line.passed(bytes(8)).loss is None
