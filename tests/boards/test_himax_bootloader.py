"""The virtual bootloader of the Himax WE-I Plus EVB: its window, its menu, and what it boots."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.boards.himax_boards import Board, block, flashed, image
from tests.support.boards.virtual_boards import eventually
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual.boot_check import bootable
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.himax_bootloader import (
    APP,
    BOOT_FAIL,
    BURNT,
    END,
    MENU,
    OVERFLOW,
    PAGE,
    READY,
    RECEIVE_ERROR,
    SLICE,
    HimaxBootloader,
)
from tinyops.boards.virtual.xmodem_receiver import ACK, BLOCK, CAN, EOT, SOH


@pytest.fixture
def port(tmp_path: Path) -> str:
    return str(tmp_path / "ttyVIRTUAL0")


@pytest.fixture
def virtual(tmp_path: Path, port: str) -> Iterator[Board]:
    with Board(Path(port), tmp_path / "state") as running:
        assert running.settled()
        yield running


def test_opening_the_port_resets_nothing(virtual: Board, port: str) -> None:
    flashed(virtual, image())
    said = virtual.said
    with SerialPort(port) as line:
        line.write(b"1\r0\r")
        assert line.drain(0.3) == b""
    assert (virtual.said, virtual.mode) == (said, "application")


def test_enter_is_no_key_and_without_one_the_bootloader_goes_on(virtual: Board, port: str) -> None:
    with SerialPort(port) as line:
        virtual.press_reset()
        heard = line.read_exactly(300, 2)
        line.write(b"\r\n")
        heard += line.drain(1.0)
    assert heard.endswith(b"wake up evt:4\r\n" + BOOT_FAIL)


def test_a_file_too_long_is_refused(tmp_path: Path) -> None:
    sent: list[bytes] = []
    memory = FlashMemory(tmp_path / "flash.bin", END, PAGE)
    loader = HimaxBootloader(memory, sent.append, lambda: None)
    for _ in range(2):
        loader.feed(b"1")
    for number in range(1, SLICE // BLOCK + 2):
        loader.feed(block(number))
    assert sent[-4:] == [OVERFLOW, CAN + CAN, RECEIVE_ERROR, MENU]
    assert sent.count(ACK) == SLICE // BLOCK
    memory.close()


def test_lrzsz_programs_it(virtual: Board, port: str, tmp_path: Path) -> None:
    what = image(40_000)
    (tmp_path / "app.img").write_bytes(what.bytes)
    with SerialPort(port) as line:
        virtual.press_reset()
        line.read_exactly(300, 2)
        line.write(b"11")
        assert eventually(lambda: READY in virtual.said)
        # The line stays open, and with it the raw mode that pyserial has set.
        with Path(port).open("r+b", buffering=0) as tty:
            sx = ["sx", str(tmp_path / "app.img")]
            subprocess.run(sx, stdin=tty, stdout=tty, check=True, timeout=60)
        assert eventually(lambda: BURNT in virtual.said)
        line.write(b"0")
        assert eventually(lambda: virtual.mode == "application")
    assert virtual.flash.read(APP, len(what.bytes)) == what.bytes


def test_a_host_that_looks_for_the_end_after_the_last_ack_finds_it(
    virtual: Board, port: str
) -> None:
    # As Edge Impulse's flash tool: whatever comes in one piece with the last ACK is gone.
    with SerialPort(port) as line:
        virtual.press_reset()
        line.read_exactly(300, 2)
        line.write(b"11")
        heard = b""
        while not heard.endswith(READY + b"C"):
            heard += line.read(1, 2)
        for number, sent in ((1, block(1)), (2, block(2)), (0, EOT)):
            line.write(sent)
            piece = b""
            while ACK not in piece:
                piece = line.read(4096, 2)
                assert piece, f"no answer to block {number}"
        late = b""
        while BURNT not in late and (more := line.read(4096, 2)):
            late += more
    assert BURNT in late


pieces = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([b"1", b"0", SOH, EOT, CAN, CAN + CAN, b"\r", block(1), block(2)]),
        st.none(),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlashMemory]:
    made = FlashMemory(tmp_path_factory.mktemp("flash") / "flash.bin", END, PAGE)
    yield made
    made.close()


@settings(max_examples=200, deadline=None)
@given(pieces)
def test_the_bootloader_survives_any_bytes_in_any_pieces(
    memory: FlashMemory, pieces: list[bytes | None]
) -> None:
    started: list[bool] = []
    loader = HimaxBootloader(memory, lambda data: None, lambda: started.append(True))
    for piece in [b"1", *pieces]:
        if piece is not None:
            loader.feed(piece)
        elif (due := loader.next_due()) is not None:
            loader.tick(due)
    assert memory.read(0, APP) == b"\xff" * APP
    assert not started


@settings(deadline=None)
@given(st.binary(max_size=64), st.integers(0, 0x400))
def test_only_an_intact_image_boots(memory: FlashMemory, noise: bytes, at: int) -> None:
    what = image(2000).bytes
    memory.erase(APP, PAGE)
    assert not bootable(memory, APP)
    memory.write(APP, what)
    assert bootable(memory, APP)
    memory.write(APP + at, noise)
    assert bootable(memory, APP) == (memory.read(APP, 2000) == what)
    memory.erase(APP, PAGE)
