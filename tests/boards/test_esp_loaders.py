"""The ESP32's ROM loader and esptool's stub, fed byte by byte."""

from __future__ import annotations

import random
import struct
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.boards.esp_eyes import image
from tinyops.boards.image import HEADER_OFFSET
from tinyops.boards.virtual import esp_packet as packet
from tinyops.boards.virtual.boot_check import bootable
from tinyops.boards.virtual.esp_registers import Registers
from tinyops.boards.virtual.esp_rom import EspRom
from tinyops.boards.virtual.esp_stub import EspStub
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.slip import Decoder, encode

APP = 0x20000
SECTOR = 4096


def memory(size: int = 16 * SECTOR) -> FlashMemory:
    """A flash of its own, gone with the test."""
    with tempfile.TemporaryDirectory() as folder:
        return FlashMemory(Path(folder) / "flash.bin", size, SECTOR)


class Loader:
    """A ROM loader or a stub, and what it has sent."""

    def __init__(self, kind: type[EspRom]) -> None:
        self.flash = memory()
        self.sent = bytearray()
        self.left: list[str] = []
        self.loader = kind(
            self.flash,
            Registers(lambda: 115200),
            self.sent.extend,
            lambda: self.left.append("restart"),
            lambda: self.left.append("stub"),
        )

    def ask(self, op: int, data: bytes = b"", checksum: int = 0) -> str:
        """The reply to one request: its payload in hexadecimal digits."""
        self.sent.clear()
        self.loader.feed(packet.request(op, data, checksum))
        frames = Decoder(1 << 20).feed(bytes(self.sent))
        return frames[0].hex() if frames else ""

    def block(self, op: int, content: bytes) -> str:
        """The same for a block of content."""
        head = struct.pack("<4I", len(content), 0, 0, 0)
        return self.ask(op, head + content, packet.checksum(content))


def numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def test_the_rom_answers_as_the_fact_sheet_says() -> None:
    rom = Loader(EspRom)
    # A trace of a real board.
    assert rom.ask(packet.READ_REG, numbers(0x40001000)) == "010a0400831df00000000000"
    assert rom.ask(0x14) == "01140400000000000105" + "0000", "GET_SECURITY_INFO is unknown to it"
    assert rom.ask(packet.READ_REG, b"\0") == "010a0400000000000105" + "0000"
    assert rom.ask(packet.FLASH_BEGIN, numbers(10, 1, 0x400, 16 * SECTOR)).endswith("01060000")
    assert rom.ask(packet.FLASH_BEGIN, numbers(10, 1, 0x400, 0, 0)).endswith("01050000")
    assert rom.block(packet.FLASH_DATA, b"too early").endswith("01060000")
    assert rom.ask(packet.FLASH_BEGIN, numbers(10, 1, 0x400, 0)).endswith("00000000")
    assert rom.ask(packet.FLASH_DATA, numbers(2, 0, 0, 0) + b"ab").endswith("01070000")
    assert rom.ask(packet.FLASH_DATA, numbers(3, 0, 0, 0) + b"ab").endswith("01050000")
    assert rom.block(packet.FLASH_DATA, b"0123456789abc").endswith("00000000")
    assert rom.flash.read(0, 13) == b"0123456789\xff\xff\xff"
    assert rom.block(packet.FLASH_DATA, b"more").endswith("010d0000")
    assert rom.ask(packet.MEM_BEGIN, numbers(16, 1, 16, 0x20000000)).endswith("010f0000")
    assert rom.ask(packet.DEFL_BEGIN, numbers(100, 1, 0x400, 0)).endswith("00000000")
    assert rom.block(packet.DEFL_DATA, b"not zlib").endswith("010b0000")
    assert rom.ask(packet.DEFL_BEGIN, numbers(100, 1, 0x400, 0)).endswith("00000000")
    assert rom.block(packet.DEFL_DATA, zlib.compress(bytes(101))).endswith("010d0000")
    digest = rom.ask(packet.SPI_FLASH_MD5, numbers(0, 1 << 31, 0, 0))
    assert digest.endswith("01060000")


def test_the_stub_has_its_own_status_and_errors() -> None:
    stub = Loader(EspStub)
    assert stub.ask(packet.SYNC, packet.SYNC_DATA) == "01080200000000000000"
    assert stub.ask(packet.READ_FLASH_SLOW, numbers(0, 64)) == "010e020000000000ff00"
    assert stub.ask(packet.FLASH_END, numbers(1)).endswith("c600")
    assert stub.ask(packet.FLASH_BEGIN, numbers(10, 1, 0x4000, 0, 0)).endswith("0000")
    assert stub.ask(packet.FLASH_DATA, numbers(2, 0, 0, 0) + b"ab").endswith("c100")
    assert stub.ask(packet.FLASH_END, numbers(1)).endswith("c800")
    assert stub.ask(packet.ERASE_REGION, numbers(1, SECTOR)).endswith("c400")
    assert stub.ask(packet.READ_FLASH, numbers(16 * SECTOR, 1, 1024, 1)).endswith("c400")


def test_the_stub_erases_sector_by_sector_as_it_writes() -> None:
    stub = Loader(EspStub)
    stub.flash.write(0, bytes(3 * SECTOR))
    assert stub.ask(packet.FLASH_BEGIN, numbers(2 * SECTOR, 2, SECTOR, 0, 0)).endswith("0000")
    assert stub.block(packet.FLASH_DATA, b"\xa5" * SECTOR).endswith("0000")
    assert stub.flash.read(0, 3 * SECTOR) == b"\xa5" * SECTOR + bytes(2 * SECTOR)
    assert stub.block(packet.FLASH_DATA, b"\x5a" * SECTOR).endswith("0000")
    assert stub.ask(packet.FLASH_END, numbers(1)).endswith("0000")
    assert stub.left == [], "1: it stays"
    assert stub.flash.read(SECTOR, 2 * SECTOR) == b"\x5a" * SECTOR + bytes(SECTOR)
    assert stub.ask(packet.RUN_USER_CODE) == ""
    assert stub.left == ["restart"]


@pytest.mark.parametrize(("kind", "begin"), [(EspRom, ()), (EspStub, (0,))])
@pytest.mark.parametrize("last", [1, 4, 100])
def test_packed_content_may_end_in_any_block(
    kind: type[EspRom], begin: tuple[int, ...], last: int
) -> None:
    # The last four bytes are zlib's checksum: a block of them alone unpacks to nothing.
    board, content = Loader(kind), random.Random(3).randbytes(5000)
    packed = zlib.compress(content)
    assert board.ask(packet.DEFL_BEGIN, numbers(5000, 2, 0x4000, 0, *begin)).endswith("0000")
    for block in (packed[:-last], packed[-last:]):
        assert board.block(packet.DEFL_DATA, block).endswith("0000")
    assert board.flash.read(0, 5000) == content


def test_who_has_left_hears_no_more() -> None:
    rom = Loader(EspRom)
    end = packet.request(packet.MEM_END, numbers(0, 0x40080000))
    rom.loader.feed(end + packet.request(packet.SYNC, packet.SYNC_DATA))
    assert rom.left == ["stub"]
    assert len(Decoder(1 << 20).feed(bytes(rom.sent))) == 1


OPS = st.sampled_from([*range(0x02, 0x15), *range(0xD0, 0xD6)])
# Numbers near the limits of a small flash as well as any.
WORDS = st.lists(st.sampled_from([0, 1, 64, SECTOR, 16 * SECTOR, 0xFFFFFFFF]), max_size=6)
CONTENT = st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(zlib.compress))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request of any kind, well formed or nearly so."""
    op, content = draw(OPS), draw(CONTENT)
    if draw(st.booleans()):
        return packet.request(op, numbers(*draw(WORDS)))
    head = numbers(len(content), 0, 0, 0)
    return packet.request(op, head + content, packet.checksum(content))


@pytest.mark.parametrize("kind", [EspRom, EspStub])
@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(requests(), st.binary(max_size=80)), max_size=12))
def test_hostile_bytes_never_break_the_loader(kind: type[EspRom], pieces: list[bytes]) -> None:
    board = Loader(kind)
    for piece in pieces:
        board.loader.feed(piece)
    if not board.left:
        # Two ends: whatever was begun, and a reading, is over.
        board.loader.feed(encode(b"?") * 2)
        assert board.ask(packet.SYNC, packet.SYNC_DATA).startswith("0108")


@given(st.lists(st.binary(max_size=30), max_size=5), st.integers(1, 9))
def test_frames_are_found_in_pieces_of_any_size(payloads: list[bytes], size: int) -> None:
    wire = b"noise\xdb" + b"".join(encode(each) for each in payloads)
    decoder, found = Decoder(60), []
    for at in range(0, len(wire), size):
        found += decoder.feed(wire[at : at + size])
    assert found == [each for each in payloads if each]


def test_frames_that_are_too_long_or_ill_escaped_are_dropped() -> None:
    decoder = Decoder(10)
    assert decoder.feed(encode(b"x" * 11) + encode(b"good")) == [b"good"]
    assert decoder.feed(b"\xc0" + b"x" * 8) == []
    assert decoder.feed(b"x" * 8 + b"\xc0" + encode(b"again")) == [b"again"]
    assert decoder.feed(b"\xc0ab\xdbc\xc0" + encode(b"\xdb\xdc")) == [b"\xdb\xdc"]


def test_only_an_intact_image_is_bootable() -> None:
    flash, what = memory(), image(20_000).bytes
    assert not bootable(flash, SECTOR)
    flash.write(SECTOR, what)
    assert bootable(flash, SECTOR)
    assert not bootable(flash, 0)
    assert not bootable(flash, flash.size - 4), "the header would be outside"
    flash.write(SECTOR + 19_999, b"\0")
    assert not bootable(flash, SECTOR)


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_garbage_is_bootable(garbage: bytes, at: int) -> None:
    flash = memory(4 * SECTOR)
    content = bytearray(image(5_000).bytes)
    content[HEADER_OFFSET + at : HEADER_OFFSET + at + len(garbage)] = garbage
    flash.write(0, bytes(content))
    assert bootable(flash, 0) == (bytes(content[:5_000]) == image(5_000).bytes)
