"""Memory protection: what a real board would not survive, the emulated one does not accept."""

from __future__ import annotations

import functools
import socket
import struct
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.chip import BASE
from tinyops.boards import messages
from tinyops.boards.catalogue import load_board
from tinyops.boards.frames import Decoder, Frame
from tinyops.boards.link import Fault, SocketStream
from tinyops.conversion.images import toolchain
from tinyops.conversion.images.qemu_image import board_config, linker_symbols
from tinyops.conversion.images.toolchain import FIRMWARE
from tinyops.emulation import Machine

SUPPORT = FIRMWARE / "board" / "mps2_an386"


@functools.cache
def fault_image(app_offset: int = BASE, end: int = 0x100000) -> bytes:
    """fault_main.c for a Nano whose application lies at `app_offset` to `end` of flash."""
    board = load_board("nano33ble-sense")
    area = {"app_offset": app_offset, "app_bytes": end - app_offset}
    board = board.model_copy(update={"flash": board.flash.model_copy(update=area)})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "board_config.h").write_text(board_config(board))
        sources = [Path(__file__).with_name("fault_main.c"), *SUPPORT.glob("*.c")]
        sources += (FIRMWARE / "link").glob("*.c")
        includes = [folder, FIRMWARE / "link", FIRMWARE / "board", SUPPORT]
        flags = (*toolchain.STRICT, "-Wno-infinite-recursion", "-Wno-array-bounds")
        objects = toolchain.compile_sources(sources, includes, folder / "objects", flags)
        script = SUPPORT / "link.ld"
        toolchain.link(objects, script, linker_symbols(board), folder / "fault.elf", board.name)
        return (folder / "fault.bin").read_bytes()


def frames_until(stream: SocketStream, decoder: Decoder, count: int) -> list[Frame]:
    found: list[Frame] = []
    while len(found) < count:
        data = stream.receive(20)
        assert data, f"nothing more after {found}"
        found += decoder.feed(data)
    return found


@pytest.mark.parametrize(
    ("what", "address"),
    [
        (b"f", 0x20000),
        (b"b", 0x8000),
        (b"n", 4),
        (b"e", 0x20040000),
        (b"w", 0x21000000),
        (b"v", 0x21010000),
        (b"x", None),
        (b"s", None),
    ],
    ids=[
        "flash",
        "bootloader",
        "null",
        "end of RAM",
        "window",
        "end of window",
        "code in RAM",
        "stack",
    ],
)
def test_a_forbidden_access_is_reported_and_resets(what: bytes, address: int | None) -> None:
    with Machine(fault_image(), BASE, BASE) as machine:
        stream, decoder = SocketStream(machine.uart0), Decoder()
        (hello,) = frames_until(stream, decoder, 1)
        assert hello.body == b"\0"
        for faults in (1, 2):
            stream.send(what)
            reported, restarted = frames_until(stream, decoder, 2)
            assert reported.type == messages.FAULT
            fault = Fault.parse(reported.body)
            assert fault.vector == 3
            if address is not None:
                assert fault.address == address
                assert BASE < fault.pc < BASE + len(fault_image())
            assert restarted.body == bytes((faults,))


def test_all_of_the_boards_memory_is_there() -> None:
    with Machine(fault_image(), BASE, BASE) as machine:
        stream, decoder = SocketStream(machine.uart0), Decoder()
        frames_until(stream, decoder, 1)
        stream.send(b"r")
        (answer,) = frames_until(stream, decoder, 1)
        assert answer.body == b"k"


@pytest.mark.parametrize(
    ("app_offset", "end"),
    [(0x27000, 0xED000), (0x8000, 0x100000), (0x27000, 0x42000)],
    ids=lambda value: f"{value:#x}",
)
def test_flash_begins_and_ends_where_the_application_does(app_offset: int, end: int) -> None:
    with Machine(fault_image(app_offset, end), app_offset, app_offset) as machine:
        stream, decoder = SocketStream(machine.uart0), Decoder()
        frames_until(stream, decoder, 1)
        stream.send(b"i")
        (answer,) = frames_until(stream, decoder, 1)
        assert answer.body == b"k"
        for what, address in ((b"l", app_offset - 4), (b"h", end)):
            stream.send(what)
            reported, _ = frames_until(stream, decoder, 2)
            assert reported.type == messages.FAULT
            assert Fault.parse(reported.body).address == address


def test_an_answer_from_before_a_reset_is_not_taken() -> None:
    with Machine(fault_image(), BASE, BASE) as machine:
        stream, decoder = SocketStream(machine.uart0), Decoder()
        frames_until(stream, decoder, 1)
        stream.send(b"a")
        _, old, *_ = machine.uart1.recv(4, socket.MSG_WAITALL)
        stream.send(b"f")
        frames_until(stream, decoder, 2)
        stream.send(b"a")
        _, new, *_ = machine.uart1.recv(4, socket.MSG_WAITALL)
        machine.shared_ram[:6] = struct.pack("<3h", 5, 6, 7)
        seen = []
        for answer in (old, new):
            machine.uart1.sendall(bytes((answer,)))
            time.sleep(0.1)
            stream.send(b"t")
            seen += [frame.body for frame in frames_until(stream, decoder, 1)]
        assert seen == [b"\0", b"\7"]
