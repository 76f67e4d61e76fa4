"""The driver of ESP32 boards such as the ESP-EYE: Espressif's esptool, run as a subprocess.

esptool is GPL-2.0-or-later and never imported. It repeats blocks by itself and compares the MD5 of
what it has written. A session that fails is begun anew: slower, and at last without the flasher
stub, since a poor line carries the ROM's blocks of 1 KB sooner than the stub's of 16 KB.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyops.boards.board import Board
from tinyops.boards.drivers.esptool_output import HINT, Output
from tinyops.boards.drivers.vendor_tool import VendorTool
from tinyops.boards.errors import BoardSilent, FlashFailed, PortLost, WrongAnswer
from tinyops.boards.flash_report import Ask, FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.boards.port_users import in_use, port_users
from tinyops.boards.pseudo_terminal import is_pseudo_terminal

FAST_BAUD = 460800
"""What ESP-IDF's idf.py flashes with (from memory). The catalogue names the ROM's own rate."""
CONNECT_ATTEMPTS = 7
"""Resets in one session, and seconds for a port that vanishes: esptool's own number."""
CONNECTING = 30.0
STALL = 15.0
"""esptool gives a board that owes it an answer 3 s, and writing to the port 10 s."""
FLASH_WORK = 48.0
"""Seconds for 1 MB, silent at the worst: esptool allows 40 for erasing and 8 for the MD5."""
BLOCK_TRIES = 3
TICK = 0.5
"""How soon a stop is noticed while esptool says nothing."""
FILE, SETTINGS = "image.bin", "esptool.cfg"
ENVIRONMENT = {
    # esptool would take a user's own settings, or those of any folder that it is started in.
    "ESPTOOL_CFGFILE": SETTINGS,
    "COLUMNS": "120",
    "NO_COLOR": "1",
    "PYTHONUTF8": "1",
}


@dataclass(frozen=True)
class _Session:
    """How esptool is called."""

    port: str
    baud: int
    stub: bool

    def argv(self, *work: str) -> list[str]:
        # A pseudo-terminal has neither DTR nor RTS; its board needs no reset by them.
        virtual = is_pseudo_terminal(self.port)
        before, after = ("no-reset", "no-reset") if virtual else ("default-reset", "hard-reset")
        return [
            # -P: the folder that it runs in is not searched for modules.
            *(sys.executable, "-P", "-u", "-m", "esptool"),
            *("--chip", "esp32", f"--port={Path(self.port).absolute()}", "--baud", str(self.baud)),
            *("--before", before, "--after", after),
            *(() if self.stub else ("--no-stub",)),
            *work,
        ]

    def limits(self, size: int) -> tuple[float, float]:
        """Seconds without a word, and in all."""
        stall = STALL + FLASH_WORK * size / 1e6
        return stall, CONNECTING + stall + BLOCK_TRIES * 10 * size / self.baud


def flash(port: str, image: Image, board: Board, progress: Progress, ask: Ask) -> FlashReport:
    """Write an image that `admission.check` has accepted; see there for errors."""
    started = time.monotonic()
    slow = board.protocol.baud
    sessions = (
        _Session(port, FAST_BAUD, stub=True),
        _Session(port, slow, stub=True),
        _Session(port, slow, stub=False),
        _Session(port, slow, stub=False),
    )
    for retries, session in enumerate(sessions):
        try:
            output = _write(session, image, progress)
        except (BoardSilent, WrongAnswer, FlashFailed):
            if retries == len(sessions) - 1:
                raise
            if retries == 0:
                ask(f"if {port} does not answer: on the {board.title}, hold BOOT and press RST")
            continue
        break
    return FlashReport(
        board=board.name,
        port=port,
        pages=-(-len(image.bytes) // board.flash.page_bytes),
        bytes=len(image.bytes),
        retries=retries,
        seconds=time.monotonic() - started,
        bootloader=f"ESP32 ROM, stub of esptool {output.version}" if output.stub else "ESP32 ROM",
    )


def probe(port: str, board: Board, ask: Ask) -> str:
    """What chip and flash are there; nothing is written, and the application starts again."""
    session = _Session(port, board.protocol.baud, stub=True)
    output = _run(session, ("flash-id",), Output(0), 0, lambda done, total: None)
    return f"{output.value('Chip type')}, flash {output.value('Detected flash size')}"


def _write(session: _Session, image: Image, progress: Progress) -> Output:
    """One session from the reset to the verified image, or the error that ended it."""
    size, output = len(image.bytes), Output(image.offset)
    progress(0, size)
    work = ("write-flash", hex(image.offset), FILE)
    _run(session, work, output, size, progress, image.bytes)
    if not output.verified:
        raise output.failure(session.port)
    progress(size, size)
    return output


def _run(
    session: _Session,
    work: Sequence[str],
    output: Output,
    size: int,
    progress: Progress,
    content: bytes = b"",
) -> Output:
    """Run esptool to its end; what it said. Its error when it fails."""
    with tempfile.TemporaryDirectory(prefix="tinyops-esptool-") as name:
        folder = Path(name)
        (folder / FILE).write_bytes(content)
        (folder / SETTINGS).write_text(f"[esptool]\nconnect_attempts = {CONNECT_ATTEMPTS}\n")
        with VendorTool(session.argv(*work), folder, ENVIRONMENT) as tool:
            _watch(tool, session, output, size, progress)
            status = tool.status()
    if status != 0:
        error = output.failure(session.port)
        if isinstance(error, PortLost) and (users := port_users(session.port, own=True)):
            raise in_use(session.port, users)
        raise error
    return output


def _watch(
    tool: VendorTool, session: _Session, output: Output, size: int, progress: Progress
) -> None:
    """All that it says, to the end; BoardSilent when that takes too long."""
    stall, whole = session.limits(size)
    begun = heard = time.monotonic()
    while (data := tool.read(TICK)) is not None:
        now = time.monotonic()
        heard = now if data else heard
        if now - heard > stall or now - begun > whole:
            raise BoardSilent(
                f"{session.port}: esptool was stopped after {now - begun:.0f} s without success",
                HINT,
            )
        output.feed(data)
        progress(min(output.written, size), size)
