"""The driver of the bench loader, a protocol made up for tests: opening the port resets the board.

`P`, address, size, CRC-32 and data write a page; `G` starts the application. Numbers are 32 bits,
little endian. The answer is `K`, or `R` for a page that has to come again.
"""

from __future__ import annotations

import struct
import time
import zlib

from tinyops.boards.board import Board
from tinyops.boards.errors import FlashFailed
from tinyops.boards.flash_report import Ask, FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.boards.transport import SerialPort

TRIES = 4
ANSWER = 2.0


def flash(port: str, image: Image, board: Board, progress: Progress, ask: Ask) -> FlashReport:
    """Write an image that `admission.check` has accepted; see there for errors."""
    started, size = time.monotonic(), board.flash.page_bytes
    addresses = range(0, len(image.bytes), size)
    retries = 0
    with SerialPort(port, board.protocol.baud) as line:
        for address in addresses:
            progress(address, len(image.bytes))
            page = image.bytes[address : address + size].ljust(size, b"\xff")
            retries += _write(line, image.offset + address, page)
        progress(len(image.bytes), len(image.bytes))
        line.write(b"G")
        line.read_exactly(1, ANSWER)
    return FlashReport(
        board=board.name,
        port=port,
        pages=len(addresses),
        bytes=len(image.bytes),
        retries=retries,
        seconds=time.monotonic() - started,
        bootloader="bench loader",
    )


def _write(line: SerialPort, address: int, page: bytes) -> int:
    """Returns how often the page had to be repeated."""
    for repeated in range(TRIES):
        line.write(b"P" + struct.pack("<III", address, len(page), zlib.crc32(page)) + page)
        if line.read_exactly(1, ANSWER) == b"K":
            return repeated
    raise FlashFailed(f"{line.path}: page at 0x{address:x}", "try another cable")
