"""The SVL driver against the virtual bootloader of an Edge 2, over a real pseudo-terminal."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.boards.virtual_boards import eventually, idle_image
from tinyops.boards.catalogue import load_board
from tinyops.boards.drivers import svl
from tinyops.boards.drivers.svl_packet import (
    BOOTLOAD,
    DONE,
    FRAME,
    NEXT,
    RETRY,
    VERSION,
    Unpacker,
    crc16,
    packet,
)
from tinyops.boards.errors import BoardSilent, FlashFailed, PortLost
from tinyops.boards.flashing import flash, probe
from tinyops.boards.image import Image
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual.edge2 import Edge2
from tinyops.boards.virtual.faults import Faults
from tinyops.boards.virtual.svl_bootloader import APP, BLIP, PAGE
from tinyops.boards.virtual.wire import START_TO_STOP

pytestmark = pytest.mark.slow

EDGE2 = load_board("sparkfun-edge2")


def image(size: int = 20_000, seed: int = 0) -> Image:
    return idle_image(size, seed=seed, board=EDGE2.name)


@pytest.fixture
def port(tmp_path: Path) -> str:
    return str(tmp_path / "ttyVIRTUAL0")


@pytest.fixture
def virtual(tmp_path: Path, port: str) -> Iterator[Edge2]:
    with Edge2(Path(port), tmp_path / "state") as running:
        yield running


def content(virtual: Edge2, what: Image) -> bytes:
    return virtual.flash.read(APP, len(what.bytes))


def test_the_crc_is_that_of_umts() -> None:
    assert crc16(b"123456789") == 0xFEE8
    assert crc16(packet(FRAME, b"abcd")[2:]) == 0


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 7))
def test_packets_are_found_in_pieces_of_any_size(payloads: list[bytes], size: int) -> None:
    wire = b"".join(packet(FRAME, each) for each in payloads)
    unpacker, found = Unpacker(), []
    for at in range(0, len(wire), size):
        unpacker.feed(wire[at : at + size])
        while (one := unpacker.next()) is not None:
            found.append(one)
    assert found == [(FRAME, each) for each in payloads]
    assert not unpacker


@pytest.mark.parametrize("baud", [57600, 460800, 921600])
def test_a_board_is_flashed_and_then_again_over_its_application(
    virtual: Edge2, port: str, baud: int
) -> None:
    protocol = EDGE2.protocol.model_copy(update={"baud": baud})
    board = EDGE2.model_copy(update={"protocol": protocol})
    first, second = image(30_001, seed=1), image(12_000, seed=2)
    steps: list[tuple[int, int]] = []

    for _ in range(3):  # A machine that has much else to do misses the bootloader's 200 ms.
        steps.clear()
        report = flash(port, first, board, lambda done, total: steps.append((done, total)))
        if not report.retries:
            break

    assert content(virtual, first) == first.bytes
    assert virtual.flash.read(APP + 30_001, 3) == b"\xff" * 3
    assert (report.bytes, report.pages, report.retries) == (30_001, 4, 0)
    assert report.bootloader == "SVL 6"
    assert steps[0][0] == 0
    assert steps[-1] == (30_004, 30_004)
    flash(port, second, board)
    assert content(virtual, second) == second.bytes
    assert eventually(lambda: virtual.mode == "application")


def greeted(port: str) -> SerialPort:
    line = SerialPort(port, 115200)
    time.sleep(0.15)
    assert not line.drain(0.0).strip(BLIP)
    line.write(b"U")
    answer = packet(VERSION, b"\x06")
    assert line.read_exactly(len(answer), 1) == answer
    return line


def test_the_bootloader_speaks_as_the_fact_sheet_says(virtual: Edge2, port: str) -> None:
    after, again = packet(NEXT), packet(RETRY)
    with greeted(port) as line:
        line.write(packet(BOOTLOAD))
        assert line.read_exactly(len(after), 1) == after
        for wrong in (packet(FRAME, b"abc"), packet(FRAME, b"abcd")[:-1] + b"!", b"\xff\xff"):
            began = time.monotonic()
            line.write(wrong)
            assert line.read_exactly(len(again), 1) == again
            assert time.monotonic() - began > 0.17, "it pauses before it asks again"
        line.write(packet(FRAME, b"abcd"))
        assert line.read_exactly(len(after), 1) == after
        # Half a packet is given up after half a second.
        line.write(packet(FRAME, b"efgh")[:5])
        assert line.read_exactly(len(again), 2) == again
        line.write(packet(FRAME, b"efgh"))
        assert line.read_exactly(len(after), 1) == after
        line.write(packet(DONE))
        assert eventually(lambda: virtual.mode == "application")
    assert virtual.flash.read(APP, 12) == b"abcdefgh" + b"\xff" * 4


def test_flash_is_erased_page_by_page_as_it_is_written(virtual: Edge2, port: str) -> None:
    long, short = image(3 * PAGE, seed=3), image(PAGE, seed=4)
    flash(port, long, EDGE2)
    flash(port, short, EDGE2)
    assert virtual.flash.read(APP, PAGE) == short.bytes
    assert virtual.flash.read(APP + PAGE, 2 * PAGE) == long.bytes[PAGE:]


def test_without_a_greeting_the_application_starts_and_opening_the_port_resets(
    virtual: Edge2, port: str
) -> None:
    flash(port, image(), EDGE2)
    assert eventually(lambda: virtual.mode == "application")
    with SerialPort(port):
        assert eventually(lambda: virtual.mode == "bootloader", 1)
        assert eventually(lambda: virtual.mode == "application", 2)
    # At a speed that it does not know the U is none.
    with SerialPort(port, 9600) as line:
        time.sleep(0.1)
        line.write(b"U")
        assert not line.drain(0.3).strip(BLIP)
        assert eventually(lambda: virtual.mode == "application", 2)


@pytest.mark.parametrize("faults", [{"corrupt": 1e-4}, {"drop": 1e-4}], ids=["corrupt", "drop"])
@pytest.mark.parametrize("seed", range(2))
def test_a_bad_line_is_repeated_until_all_is_right(
    tmp_path: Path, port: str, faults: dict[str, float], seed: int
) -> None:
    what = image(60_000, seed=seed)
    with Edge2(Path(port), tmp_path / "state", faults=Faults(seed=seed, **faults)) as virtual:
        report = flash(port, what, EDGE2)
        assert content(virtual, what) == what.bytes
        assert report.retries > 0


@pytest.mark.parametrize("after", [9, 12_000])
def test_a_power_cut_behind_the_adapter_is_survived(tmp_path: Path, port: str, after: int) -> None:
    what = image(20_000)
    faults = Faults(power_cut_after=after, power_back_after=0.2)
    with Edge2(Path(port), tmp_path / "state", faults=faults) as virtual:
        report = flash(port, what, EDGE2)
        assert report.retries > 0
        assert content(virtual, what) == what.bytes


def test_unplugged_it_can_be_flashed_when_it_is_back(tmp_path: Path, port: str) -> None:
    what = image(20_000)
    faults = Faults(unplug_after=2500, power_back_after=0.2)
    with Edge2(Path(port), tmp_path / "state", faults=faults) as virtual:
        with pytest.raises(PortLost):
            flash(port, what, EDGE2)
        assert eventually(lambda: Path(port).exists())
        flash(port, what, EDGE2)
        assert content(virtual, what) == what.bytes


def test_a_greeting_that_is_missed_is_worth_another_reset(
    virtual: Edge2, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bootloader listens for 0.2 s.
    greet, waits = svl._Session.greet, iter([0.5, 0.15])

    def greet_after(session: svl._Session) -> int:
        monkeypatch.setattr(svl, "SETTLE", next(waits))
        return greet(session)

    monkeypatch.setattr(svl._Session, "greet", greet_after)
    assert probe(port, EDGE2) == "SVL 6"
    assert list(waits) == []
    monkeypatch.undo()
    monkeypatch.setattr(svl, "SETTLE", 0.5)
    with pytest.raises(BoardSilent, match="3 resets"):
        probe(port, EDGE2)


def test_a_frame_that_is_never_taken_is_given_up(tmp_path: Path, port: str) -> None:
    # The greeting comes through; of 2,051 bytes of a frame some never do.
    with (
        Edge2(Path(port), tmp_path / "state", faults=Faults(corrupt=0.02, seed=5)),
        pytest.raises((FlashFailed, BoardSilent)),
    ):
        flash(port, image(), EDGE2)


def test_a_paced_board_is_never_faster_than_its_line_and_its_flash(
    tmp_path: Path, port: str
) -> None:
    what = image(20_000)
    with Edge2(Path(port), tmp_path / "state", paced=True) as virtual:
        report = flash(port, what, EDGE2)
        assert content(virtual, what) == what.bytes
    line = len(what.bytes) * START_TO_STOP / EDGE2.protocol.baud
    assert report.seconds > line + report.pages * Edge2.PAGE_SECONDS


def test_a_host_that_takes_the_first_bytes_for_the_length_programs_it(
    virtual: Edge2, port: str
) -> None:
    # As svl.py 1.7 goes on: drop what came at the reset, then two bytes of length and the rest.
    what = image(4_100)
    frames = [what.bytes[at : at + 2048] for at in range(0, len(what.bytes), 2048)]

    def answer(line: SerialPort) -> int:
        (length,) = struct.unpack(">H", line.read_exactly(2, 0.5))
        body = line.read_exactly(length, 0.5)
        assert crc16(body) == 0
        return body[0]

    with SerialPort(port, 115200) as line:
        time.sleep(0.15)
        line.drain(0.0)
        line.write(b"U")
        assert answer(line) == VERSION
        line.write(packet(BOOTLOAD))
        for frame in frames:
            assert answer(line) == NEXT
            line.write(packet(FRAME, frame))
        assert answer(line) == NEXT
        line.write(packet(DONE))
    assert content(virtual, what) == what.bytes
    assert eventually(lambda: virtual.mode == "application")


@pytest.mark.skipif(shutil.which("svl.py") is None, reason="SparkFun's svl.py is not on PATH")
def test_sparkfuns_own_tool_programs_it(virtual: Edge2, port: str, tmp_path: Path) -> None:
    what = image(40_000)
    (tmp_path / "app.bin").write_bytes(what.bytes)
    subprocess.run(
        ["svl.py", "-f", str(tmp_path / "app.bin"), "-b", "115200", port], check=True, timeout=120
    )
    assert content(virtual, what) == what.bytes
