"""The virtual board: flash rules, the application in QEMU, its sensor, and how it ends."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.boards.virtual_boards import Counter, board, eventually, idle_image
from tinyops.boards.errors import BoardError
from tinyops.boards.flashing import flash
from tinyops.boards.image import HEADER_OFFSET, Image, ImageHeader, image_crc
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.boards.virtual.nano_bootloader import APP, APP_END, PAGE, RAM, VERSION, NanoBootloader
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
    with Nano33Ble(port, tmp_path / "state", sensor) as virtual:
        flash(str(port), echo, board())
        assert eventually(lambda: virtual.mode == "application")
    frames = [struct.pack("<3h", *range(first, first + 3)) for first in (256, 259, 262, 265)]
    with Nano33Ble(port, tmp_path / "state", sensor) as virtual:
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
    with Nano33Ble(port, tmp_path / "state", sensor) as virtual:
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
    with Nano33Ble(port, tmp_path / "state") as virtual:
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
    with Nano33Ble(port, tmp_path / "state") as virtual:
        flash(str(port), idle_image(8192), board())
        assert eventually(lambda: virtual.mode == "application")
        with SerialPort(str(port)) as line:
            for _ in range(200):
                line.write(bytes(4096))
        SerialPort(str(port), baud=1200).close()
        assert eventually(lambda: virtual.mode == "bootloader")


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


COMMANDS = st.builds(
    lambda letter, first, second: b"%c%08X,%08X#" % (letter, first, second),
    st.sampled_from(b"NVIXSYZK?"),
    st.integers(0, 2 * APP_END),
    st.integers(0, 3 * PAGE),
)


@given(st.lists(st.binary(max_size=40) | COMMANDS, max_size=30))
@settings(max_examples=100, deadline=None)
def test_the_bootloader_survives_any_bytes_in_any_pieces(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("flash") / "flash.bin"
    memory = FlashMemory(path, 0x100000, 4096)
    answers: list[bytes] = []
    loader = NanoBootloader(memory, answers.append, lambda: None)
    for piece in pieces:
        loader.feed(piece)
    # The bytes that an S has announced end some time; then a command is answered as ever.
    loader.feed(bytes(loader._fill_left))
    loader.feed(b"#")
    loader.feed(bytes(loader._fill_left))
    answers.clear()
    loader.feed(b"V#")
    assert answers == [VERSION]
    assert len(loader._ram) == RAM, "bytes beyond the buffer are dropped"
    assert memory.read(0, APP) == b"\xff" * APP, "the bootloader itself is out of reach"
    memory.close()
    path.unlink()


def test_a_flash_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flash.bin").write_bytes(b"short")
    with pytest.raises(BoardError, match="has 5 bytes"):
        Nano33Ble(tmp_path / "tty", tmp_path)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_the_command_removes_its_link_and_leaves_no_emulator(
    tmp_path: Path, echo: Image, sign: signal.Signals
) -> None:
    port = tmp_path / "tty"
    with Nano33Ble(port, tmp_path / "state"):
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


def test_a_paced_board_takes_the_time_of_its_pages(tmp_path: Path) -> None:
    image, seconds = idle_image(20_000), []
    for paced in (False, True):
        port = str(tmp_path / f"tty{paced}")
        with Nano33Ble(Path(port), tmp_path / f"state{paced}", paced=paced) as virtual:
            seconds.append(flash(port, image, board()).seconds)
            assert virtual.flash.read(virtual.APP, len(image.bytes)) == image.bytes
    assert seconds[1] - seconds[0] > 0.9 * 5 * Nano33Ble.PAGE_SECONDS, "20,000 bytes are 5 pages"
