"""The virtual board: flash rules, the application in QEMU, its sensor, and how it ends."""

from __future__ import annotations

import math
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from mmap import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from virtual_boards import board, eventually, idle_image

from tinyops.boards.errors import BoardError
from tinyops.boards.flashing import flash
from tinyops.boards.image import HEADER_OFFSET, Image, ImageHeader, image_crc
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.nano33ble import VirtualBoard
from tinyops.boards.virtual.nano_bootloader import APP, NanoBootloader
from tinyops.boards.virtual.sensor import VirtualSensor

# Says '>', asks the sensor for three frames with the tag 7, passes their six bytes on to the link
# when the tag has come, then echoes what it gets with bit 7 set. UART registers as in the CMSDK
# manual: DATA, STATE, CTRL, BAUDDIV.
ECHO = """
typedef volatile unsigned int reg;
static reg *const link = (reg *)0x40004000, *const sense = (reg *)0x40005000;
static void put(reg *uart, unsigned c) { while (uart[1] & 1); uart[0] = c; }
static unsigned get(reg *uart) { while (!(uart[1] & 2)); return uart[0]; }
__attribute__((section(".start"))) void start(void) {
  link[4] = sense[4] = 16;
  link[2] = sense[2] = 3;
  put(link, '>');
  put(sense, 'S'); put(sense, 7); put(sense, 3); put(sense, 0);
  while (get(sense) != 7);
  for (int n = 0; n < 6; n++) put(link, ((volatile unsigned char *)0x21000000)[n]);
  for (;;) put(link, get(link) | 0x80);
}
"""


class Counter:
    """Frames of one channel: 256, 257, 258 …"""

    def __init__(self) -> None:
        self.next = 256

    def read(self, frames: int) -> NDArray[np.int16]:
        values = np.arange(self.next, self.next + frames, dtype=np.int16)
        self.next += frames
        return values[:, None]


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """An application of twenty lines in a flashable image."""
    folder = tmp_path_factory.mktemp("echo")
    (folder / "echo.c").write_text(ECHO)
    entry = APP + 0x400
    flags = ["-mcpu=cortex-m4", "-mthumb", "-Os", "-ffreestanding", "-nostdlib"]
    # `start` comes first, the rest of the code a little behind it.
    places = f"-Wl,-e,start,--section-start=.start={entry:#x},-Ttext={entry + 0x400:#x}"
    elf, binary = folder / "echo.elf", folder / "echo.bin"
    subprocess.run(
        ["arm-none-eabi-gcc", *flags, places, str(folder / "echo.c"), "-o", str(elf)], check=True
    )
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(binary)], check=True)
    code = binary.read_bytes()
    content = bytearray(idle_image(8192).bytes)
    content[:8] = struct.pack("<II", 0x20004000, entry | 1)
    content[0x400 : 0x400 + len(code)] = code
    unsigned = replace(idle_image(8192).header, image_crc32=0)
    content[HEADER_OFFSET : HEADER_OFFSET + len(unsigned.pack())] = unsigned.pack()
    header: ImageHeader = replace(unsigned, image_crc32=image_crc(bytes(content)))
    content[HEADER_OFFSET : HEADER_OFFSET + len(unsigned.pack())] = header.pack()
    return Image(APP, bytes(content), "firmware", header)


def test_flashed_bytes_run_sense_talk_and_survive_a_power_cycle(
    tmp_path: Path, echo: Image
) -> None:
    port = tmp_path / "tty"
    sensor = VirtualSensor(Counter(), rate_hz=100.0)
    with VirtualBoard(port, tmp_path / "state", sensor) as virtual:
        flash(str(port), echo, board())
        assert eventually(lambda: virtual.mode == "application")
    frames = [struct.pack("<3h", *range(first, first + 3)) for first in (256, 259, 262, 265)]
    with VirtualBoard(port, tmp_path / "state", sensor) as virtual:
        assert virtual.mode == "application"
        with SerialPort(str(port)) as line:
            virtual.press_reset()
            heard = line.read_exactly(7, 10)
            assert heard[:1] == b">"
            assert heard[1:] in frames
            line.write(b"abc\x00\x1a\r\n")
            assert line.read_exactly(7, 5) == bytes(b | 0x80 for b in b"abc\x00\x1a\r\n")


def test_the_sensor_goes_on_over_resets_and_flashing(tmp_path: Path, echo: Image) -> None:
    port = tmp_path / "tty"
    source = Counter()
    sensor = VirtualSensor(source, rate_hz=100.0)
    with VirtualBoard(port, tmp_path / "state", sensor) as virtual:
        for _ in range(2):
            before = source.next
            flash(str(port), echo, board())
            assert eventually(lambda: source.next > before)  # noqa: B023 - called at once
            with SerialPort(str(port)) as line:
                line.drain(0.3)
                for _ in range(2):
                    virtual.press_reset()
                    heard = line.read_exactly(7, 10)
                    # The counter has gone on to at least the next three frames.
                    (first, *_) = struct.unpack("<3h", heard[1:])
                    assert heard == b">" + struct.pack("<3h", first, first + 1, first + 2)
                    assert first == source.next - 3
        assert source.next >= 256 + 4 * 3


def test_a_touch_leaves_the_application_for_the_bootloader_and_data_does_not(
    tmp_path: Path, echo: Image
) -> None:
    port = tmp_path / "tty"
    with VirtualBoard(port, tmp_path / "state") as virtual:
        flash(str(port), echo, board())
        assert eventually(lambda: virtual.mode == "application")
        with SerialPort(str(port)) as line:
            line.write(b"K#")
        time.sleep(0.3)
        assert virtual.mode == "application"
        SerialPort(str(port), baud=1200).close()
        assert eventually(lambda: virtual.mode == "bootloader")
        with SerialPort(str(port)) as line:
            line.write(b"N#")
            assert line.read_exactly(2, 1) == b"\n\r"
            line.write(b"K#")
        assert eventually(lambda: virtual.mode == "application")


def test_a_chip_that_reads_nothing_does_not_block_the_board(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    with VirtualBoard(port, tmp_path / "state") as virtual:
        flash(str(port), idle_image(8192), board())
        assert eventually(lambda: virtual.mode == "application")
        with SerialPort(str(port)) as line:
            for _ in range(200):
                line.write(bytes(4096))
        SerialPort(str(port), baud=1200).close()
        assert eventually(lambda: virtual.mode == "bootloader")


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


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.binary(min_size=1, max_size=64)),
        max_size=12,
    )
)
@settings(max_examples=50, deadline=None)
def test_flash_only_clears_bits_until_a_page_is_erased(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("flash") / "flash.bin"
    flash_memory = FlashMemory(path, 4 * 256, 256)
    model = bytearray(b"\xff" * 1024)
    for erase, page, data in steps:
        if erase:
            flash_memory.erase(page * 256, 256)
            model[page * 256 : page * 256 + 256] = b"\xff" * 256
        else:
            flash_memory.write(page * 256, data)
            for index, byte in enumerate(data):
                model[page * 256 + index] &= byte
    assert flash_memory.read(0, 1024) == bytes(model)
    flash_memory.close()
    assert path.read_bytes() == bytes(model)


@given(st.lists(st.binary(max_size=40), max_size=30))
@settings(max_examples=50, deadline=None)
def test_the_bootloader_survives_any_bytes_in_any_pieces(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("flash") / "flash.bin"
    memory = FlashMemory(path, 0x100000, 4096)
    answers: list[bytes] = []
    loader = NanoBootloader(memory, answers.append, lambda: None)
    for piece in pieces:
        loader.feed(piece)
    memory.close()
    path.unlink()


def test_a_flash_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flash.bin").write_bytes(b"short")
    with pytest.raises(BoardError, match="has 5 bytes"):
        VirtualBoard(tmp_path / "tty", tmp_path)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_the_command_removes_its_link_and_leaves_no_emulator(
    tmp_path: Path, echo: Image, sign: signal.Signals
) -> None:
    port = tmp_path / "tty"
    with VirtualBoard(port, tmp_path / "state"):
        flash(str(port), echo, board())
    command = [sys.executable, "-m", "tinyops.cli.main", "virtual-board", "nano33ble-sense"]
    process = subprocess.Popen(
        [*command, "--link", str(port), "--state", str(tmp_path / "state")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("virtual board nano33ble-sense at")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    emulators = [pid for pid in children if "qemu" in _command(pid)]
    assert len(emulators) == 1
    process.send_signal(sign)
    assert process.wait(10) == (0 if sign == signal.SIGTERM else -sign)
    assert eventually(lambda: "qemu" not in _command(emulators[0]))
    assert port.is_symlink() == (sign == signal.SIGKILL)
    assert not port.exists()


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
