"""The virtual ESP-EYE, as esptool itself finds it and byte by byte."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.boards.esp_eyes import Eye, image
from tests.support.boards.virtual_boards import eventually
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual import esp_packet as packet
from tinyops.boards.virtual.esp_eye import DOWNLOAD_MODE, NOT_BOOTABLE, SYNC_REQUEST

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
