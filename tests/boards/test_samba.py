"""The Nano driver against the virtual bootloader, over a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.boards.virtual_boards import board, eventually, idle_image
from tinyops.boards.drivers.samba_protocol import PAGE, SamBa, page_crc
from tinyops.boards.errors import BoardSilent, FlashFailed, ImageRefused, PortLost
from tinyops.boards.flashing import flash
from tinyops.boards.image import Image
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual import nano_bootloader
from tinyops.boards.virtual.faults import Faults
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.boards.virtual.nano_bootloader import APP, CHIP, VERSION, NanoBootloader


@pytest.fixture
def port(tmp_path: Path) -> str:
    return str(tmp_path / "ttyVIRTUAL0")


@pytest.fixture
def virtual(tmp_path: Path, port: str) -> Iterator[Nano33Ble]:
    with Nano33Ble(Path(port), tmp_path / "state") as running:
        yield running


def content(virtual: Nano33Ble, image: Image) -> bytes:
    return virtual.flash.read(APP, len(image.bytes))


def test_a_blank_board_is_flashed_and_then_again_over_its_application(
    virtual: Nano33Ble, port: str
) -> None:
    first, second = idle_image(30_001, seed=1), idle_image(12_000, seed=2, version="v2")
    steps: list[tuple[int, int]] = []

    report = flash(port, first, board(), lambda done, total: steps.append((done, total)))

    assert content(virtual, first) == first.bytes
    assert (report.pages, report.bytes, report.retries) == (8, 30_001, 0)
    assert report.bootloader == "Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]"
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1]
    flash(port, second, board())
    assert content(virtual, second) == second.bytes
    assert eventually(lambda: virtual.mode == "application")


def test_the_bootloader_answers_with_the_bytes_of_the_rom(virtual: Nano33Ble, port: str) -> None:
    with SerialPort(port) as line:
        for command, answer in (
            (b"N#", b"\n\r"),
            (b"V#", VERSION),
            (b"I#", CHIP),
            (b"X00000000#", b"X\n\r"),
            (b"Z00000000,00001000#", b"Z%08X#\n\r" % page_crc(b"\xff" * PAGE)),
        ):
            line.write(command)
            assert line.read_exactly(len(answer), 1.0) == answer
        line.write(b"R00000000,00000004#w00000000,4#")
        assert line.drain(0.1) == b""
    assert (len(VERSION), len(CHIP)) == (60, 17)


@pytest.mark.parametrize("stray", [b"\0n", b"\0", b""])
def test_a_text_ends_with_the_stray_bytes_of_the_rom_or_with_silence(
    virtual: Nano33Ble, port: str, monkeypatch: pytest.MonkeyPatch, stray: bytes
) -> None:
    monkeypatch.setattr(nano_bootloader, "VERSION", b"Loader 2.0\n\r" + stray)
    with SerialPort(port) as line:
        loader = SamBa(line)
        loader.normal_mode()
        assert loader.version() == "Loader 2.0"
        assert loader.chip() == "nRF52840-QIAA"
        assert line.drain(0.0) == b""


def test_an_answer_that_is_late_does_not_pass_for_the_next(
    virtual: Nano33Ble, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, asked = NanoBootloader._run, []

    def slowly(loader: NanoBootloader, command: bytes) -> None:
        asked.append(command)
        if asked == [b"N"]:
            time.sleep(0.3)
        run(loader, command)

    monkeypatch.setattr(NanoBootloader, "_run", slowly)
    image = idle_image(9000)
    assert flash(port, image, board()).bootloader.startswith("Arduino Bootloader")
    assert asked[:3] == [b"N", b"N", b"V"]
    assert content(virtual, image) == image.bytes


def test_y_is_answered_though_nothing_was_erased_and_z_tells(virtual: Nano33Ble, port: str) -> None:
    old, new = b"\x55" * PAGE, b"\xaa" * PAGE
    with SerialPort(port) as line:
        loader = SamBa(line)
        loader.write_page(0, old)
        assert loader.crc(0, PAGE) == page_crc(old)
        # A piece shorter than a page: not erased, ANDed, answered all the same.
        line.write(b"S00000000,00000100#" + new[:256])
        line.write(b"Y00000000,0#")
        assert line.read_exactly(3, 1.0) == b"Y\n\r"
        line.write(b"Y00000000,00000100#")
        assert line.read_exactly(3, 1.0) == b"Y\n\r"
        assert loader.crc(0, 256) == page_crc(bytes(256))
        # Beyond the flash: answered too, and nothing is written.
        line.write(b"Y000F0000,00001000#")
        assert line.read_exactly(3, 1.0) == b"Y\n\r"


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (idle_image(board="sparkfun-edge2"), "board 'sparkfun-edge2'"),
        (idle_image(target="nrf52840-arduino"), "target 'nrf52840-arduino'"),
        (replace(idle_image(), offset=0), "0x10000"),
        (idle_image(983_041), "983041 bytes"),
        (replace(idle_image(), bytes=idle_image().bytes[:-1] + b"\0"), "damaged"),
    ],
)
def test_an_image_for_something_else_is_refused_before_a_byte_is_sent(
    virtual: Nano33Ble, port: str, image: Image, word: str
) -> None:
    with pytest.raises(ImageRefused, match=word):
        flash(port, image, board())
    assert virtual.flash.read(APP, PAGE) == b"\xff" * PAGE


def test_a_virtual_image_never_reaches_a_real_port(port: str) -> None:
    Path(port).symlink_to("/dev/null")
    with pytest.raises(ImageRefused, match="for a virtual board"):
        flash(port, idle_image(), board())


def test_a_port_that_is_not_there_is_worth_another_try(port: str) -> None:
    with pytest.raises(PortLost, match="plug the board in"):
        flash(port, idle_image(), board())


def test_a_page_that_does_not_hold_is_found_although_every_write_is_answered(
    virtual: Nano33Ble, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = virtual.flash.write

    def worn(address: int, data: bytes) -> None:
        write(address, data[:-1] + b"\xff" if address == APP + 2 * PAGE else data)

    monkeypatch.setattr(virtual.flash, "write", worn)
    with pytest.raises(FlashFailed, match="page at 0x02000 after 4 tries: CRC"):
        flash(port, idle_image(20_000), board())
    # The first page is written last: the board does not start half an image.
    assert virtual.mode == "bootloader"
    assert NanoBootloader.stays(virtual.flash)


@pytest.mark.parametrize("seed", range(2))
def test_lost_and_damaged_bytes_are_caught_and_written_again(
    tmp_path: Path, port: str, seed: int
) -> None:
    image = idle_image(40_000, seed=seed)
    noisy = Faults(drop=0.00002, corrupt=0.00005, seed=seed)
    with Nano33Ble(Path(port), tmp_path / "state", faults=noisy) as virtual:
        report = flash(port, image, board())
        assert report.retries > 0
        assert content(virtual, image) == image.bytes


@pytest.mark.parametrize("cut", [1, 21_000])
def test_a_power_cut_leaves_a_board_that_can_be_flashed_again(
    tmp_path: Path, port: str, cut: int
) -> None:
    old, new = idle_image(25_000, seed=1), idle_image(36_000, seed=2, version="v2")
    state = tmp_path / "state"
    with Nano33Ble(Path(port), state):
        flash(port, old, board())
    faults = Faults(power_cut_after=cut, power_back_after=0.2)
    with Nano33Ble(Path(port), state, faults=faults) as virtual:
        with contextlib.suppress(PortLost, BoardSilent, FlashFailed):
            flash(port, new, board())
        assert eventually(lambda: Path(port).exists())
        flash(port, new, board())
        assert content(virtual, new) == new.bytes


def test_unplugged_in_the_middle_of_a_page(virtual: Nano33Ble, port: str) -> None:
    image = idle_image(60_000)

    def pull(done: int, total: int) -> None:
        if done > total // 2:
            virtual.unplug()

    with pytest.raises(PortLost):
        flash(port, image, board(), pull)
    with pytest.raises(PortLost, match=r"ttyVIRTUAL0"):
        SerialPort(port)
    virtual.plug()
    assert eventually(lambda: Path(port).exists())
    flash(port, image, board())
    assert content(virtual, image) == image.bytes


def test_two_programs_cannot_use_one_port(virtual: Nano33Ble, port: str) -> None:
    with SerialPort(port), pytest.raises(PortLost, match="in use"):
        SerialPort(port)


def arduinos_bossac() -> str:
    """The path of Arduino's fork; empty without it. Debian's 1.9.1 has no nRF52840."""
    found = shutil.which("bossac")
    if not found:
        return ""
    said = subprocess.run([found, "--help"], capture_output=True, text=True, check=False)
    return found if "arduino" in said.stdout + said.stderr else ""


@pytest.mark.skipif(not arduinos_bossac(), reason="Arduino's bossac is not on PATH")
def test_arduinos_own_tool_programs_it(virtual: Nano33Ble, port: str, tmp_path: Path) -> None:
    image = idle_image(40_000)
    (tmp_path / "app.bin").write_bytes(image.bytes)
    arguments = ["-U", "-i", "-e", "-w", "-v", "-R", "-p", port, str(tmp_path / "app.bin")]
    subprocess.run([arduinos_bossac(), *arguments], check=True, timeout=120)
    assert content(virtual, image) == image.bytes
