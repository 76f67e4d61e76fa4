"""A board flashed by the tool of its vendor, where that tool is here: what a driver is held to."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.virtual_devices import VirtualDevice
from tinyops.boards.drivers.esptool import FAST_BAUD
from tinyops.boards.drivers.himax_xmodem import (
    BOOT,
    BOOTED,
    BURN,
    BURN_WAIT,
    BURNT,
    MENU,
    RESET_WAIT,
    WOKEN,
)
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual.himax_bootloader import READY

Tool = Callable[[VirtualDevice, Path], None]
NOT_HERE = ("bossac of the Arduino fork", "svl.py")
"""Tools of the other two boards: neither PyPI nor Debian has them. (Debian's bossac 1.9.1 knows no
nRF52840.)"""


def esptool(device: VirtualDevice, file: Path) -> None:
    """Espressif's esptool, as a person calls it; at the speed that the driver takes."""
    offset = device.board.flash.app_offset
    subprocess.run(
        [
            *(sys.executable, "-m", "esptool", "--chip", "esp32", "--port", device.port),
            *("--baud", str(FAST_BAUD), "--before", "no-reset", "--after", "no-reset"),
            *("write-flash", hex(offset), file),
        ],
        stdout=subprocess.DEVNULL,
        check=True,
    )


def sx(device: VirtualDevice, file: Path) -> None:
    """lrzsz's sx, between the keys that a person presses in a terminal program."""
    with SerialPort(str(device.port), device.board.protocol.baud) as line:
        device.press_reset()
        await_text(line, re.compile(re.escape(WOKEN)), RESET_WAIT)
        line.write(BURN)
        await_text(line, MENU, BURN_WAIT)
        line.write(BURN)
        await_text(line, re.compile(re.escape(READY)), BURN_WAIT)
        # The line stays open, and with it the raw mode that pyserial has set.
        with device.port.open("r+b", buffering=0) as tty:
            subprocess.run(
                ["sx", file], stdin=tty, stdout=tty, stderr=subprocess.DEVNULL, check=True
            )
        await_text(line, BURNT, BURN_WAIT)
        line.write(BOOT)
        await_text(line, BOOTED, BURN_WAIT)


def await_text(line: SerialPort, pattern: re.Pattern[bytes], seconds: float) -> None:
    """Read until a text has come."""
    heard, deadline = b"", time.monotonic() + seconds
    while not pattern.search(heard):
        data = line.read(1, deadline - time.monotonic())
        if not data:
            raise RuntimeError(f"{line.path}: no {pattern.pattern!r} within {seconds:g} s")
        heard += data


def tools() -> dict[str, Tool]:
    """The tool of each board whose tool is here."""
    here: dict[str, Tool] = {"esp-eye": esptool}
    if shutil.which("sx"):
        here["himax-we1-plus"] = sx
    return here
