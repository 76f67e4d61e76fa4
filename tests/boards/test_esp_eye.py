"""The virtual ESP-EYE, as esptool itself finds it and byte by byte."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from esp_eyes import Eye, image
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_boards import eventually

from tinyops.boards.image import HEADER_OFFSET
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual import esp_packet as packet
from tinyops.boards.virtual.boot_check import bootable
from tinyops.boards.virtual.esp_eye import DOWNLOAD_MODE, NOT_BOOTABLE, SYNC_REQUEST
from tinyops.boards.virtual.esp_registers import Registers
from tinyops.boards.virtual.esp_rom import EspRom
from tinyops.boards.virtual.esp_stub import EspStub
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.slip import Decoder, encode

APP = 0x20000
SECTOR = 4096


@pytest.fixture
def port(tmp_path: Path) -> str:
    return str(tmp_path / "ttyVIRTUAL0")


@pytest.fixture
def virtual(tmp_path: Path, port: str) -> Iterator[Eye]:
    with Eye(Path(port), tmp_path / "state") as running:
        yield running


def esptool(port: str, *arguments: str) -> str:
    """What Espressif's own tool prints; it must succeed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "esptool", "--chip", "esp32", "--port", port),
            *("--before", "no-reset", "--after", "no-reset", *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compressible(size: int) -> bytes:
    """Half noise, half zeros: esptool compresses it, and the ROM and the stub inflate it."""
    return b"".join(random.Random(7).randbytes(512) + bytes(512) for _ in range(size // 1024))


@pytest.mark.parametrize("loader", [(), ("--no-stub",)], ids=["stub", "ROM"])
@pytest.mark.parametrize("packed", [True, False], ids=["compressed", "plain"])
def test_esptool_writes_verifies_and_reads(
    virtual: Eye, port: str, tmp_path: Path, loader: tuple[str, ...], packed: bool
) -> None:
    # The last sector is written in part, and what is behind it stays.
    content, got = compressible(40 * 1024) + b"the end", tmp_path / "got.bin"
    virtual.flash.write(APP, bytes(SECTOR))
    virtual.flash.write(APP + 11 * SECTOR, b"behind")
    (tmp_path / "app.bin").write_bytes(content)
    how = "--compress" if packed else "--no-compress"

    said = esptool(
        port, "--baud", "921600", *loader, "write-flash", how, hex(APP), str(tmp_path / "app.bin")
    )

    assert "Hash of data verified" in said
    assert ("Stub flasher running" in said) == (not loader)
    assert ("Compressed" in said) == packed
    assert virtual.application(len(content)) == content
    assert virtual.flash.read(APP + len(content), 6) == b"\xff" * 6
    assert virtual.flash.read(APP + 11 * SECTOR, 6) == b"behind"
    esptool(port, *loader, "verify-flash", hex(APP), str(tmp_path / "app.bin"))
    esptool(port, *loader, "read-flash", hex(APP), "5000", str(got))
    assert got.read_bytes() == content[:5000]


def test_esptool_reads_and_erases_by_the_stub(virtual: Eye, port: str, tmp_path: Path) -> None:
    flash, got = virtual.flash, tmp_path / "got.bin"
    flash.write(0, random.Random(1).randbytes(flash.size))
    esptool(port, "read-flash", hex(flash.size - 100_000), "100000", str(got))
    assert got.read_bytes() == flash.read(flash.size - 100_000, 100_000)
    before = flash.read(0x1000, 0x3000)
    esptool(port, "erase-region", "0x2000", "0x1000")
    assert flash.read(0x1000, 0x3000) == before[:0x1000] + b"\xff" * 0x1000 + before[0x2000:]
    esptool(port, "erase-flash")
    assert flash.read(0, flash.size) == b"\xff" * flash.size


def test_esptool_finds_an_esp32_d0wd_with_4_mb(virtual: Eye, port: str) -> None:
    said = esptool(port, "flash-id")
    assert "ESP32-D0WD (revision" in said
    assert "40MHz" in said
    assert "24:0a:c4:00:00:01" in said
    assert "4MB" in said


def test_run_starts_the_application(virtual: Eye, port: str) -> None:
    virtual.flash.write(APP, image().bytes)
    assert virtual.mode == "bootloader", "it was blank when it was reset"
    with SerialPort(port) as line:
        line.write(packet.request(packet.FLASH_BEGIN, bytes(16)))
        line.write(packet.request(packet.FLASH_END, struct.pack("<I", 1)))
        assert eventually(lambda: virtual.mode == "application")


def test_a_sync_resets_into_the_loader_and_a_close_out_of_it(
    tmp_path: Path, virtual: Eye, port: str
) -> None:
    virtual.flash.write(APP, image().bytes)
    virtual.press_reset()
    assert eventually(lambda: virtual.mode == "application")
    with SerialPort(port) as line:
        line.write(b"for the application" + SYNC_REQUEST[:20])
        line.write(SYNC_REQUEST[20:])
        assert line.read_exactly(len(DOWNLOAD_MODE), 5) == DOWNLOAD_MODE
        line.write(SYNC_REQUEST)
        assert line.read_exactly(8 * 14, 5) == 8 * bytes.fromhex("c0010804000712555500000000c0")
    assert eventually(lambda: virtual.launches == 2)


def test_a_torn_image_is_not_started(virtual: Eye, port: str) -> None:
    virtual.flash.write(APP, image().bytes[:-1])
    with SerialPort(port) as line:
        # The first look at the port is what tells the board that a host is there.
        line.write(SYNC_REQUEST)
        line.read_exactly(8 * 14, 5)
        virtual.press_reset()
        said = line.read_exactly(len(NOT_BOOTABLE + DOWNLOAD_MODE), 5)
    assert said == NOT_BOOTABLE + DOWNLOAD_MODE
    assert virtual.launches == 0
    virtual.flash.write(APP, image().bytes)
    virtual.press_reset()
    assert eventually(lambda: virtual.mode == "application")


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
