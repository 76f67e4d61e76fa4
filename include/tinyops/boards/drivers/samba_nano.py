"""The driver of the Nano 33 BLE: enter the bootloader, write, check every page, start.

The first page is emptied before and written after all others. The bootloader keeps control while
the first words of the application are blank, so a power cut at any byte leaves a board that can be
written again, never one that runs half an image.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tinyops.boards.board import Board
from tinyops.boards.drivers.samba_protocol import PAGE, SamBa, page_crc
from tinyops.boards.errors import BoardSilent, FlashFailed, PortLost, WrongAnswer
from tinyops.boards.flash_report import Ask, FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.boards.transport import SerialPort
from tinyops.boards.usb import PortIdentity, await_port, identify, touch_1200

BOOTLOADER_BAUD = 921600
# The core waits 200 ms after the close; before that the touch may still be pending at the reopen.
SETTLE = 0.3
ENTER_TIMEOUT = 8.0
PAGE_TRIES = 4
BLANK = b"\xff" * PAGE


def flash(port: str, image: Image, board: Board, progress: Progress, ask: Ask) -> FlashReport:
    """Write an image that `admission.check` has accepted; see there for errors."""
    started = time.monotonic()
    identity = identify(port)
    serial = enter_bootloader(identity)
    try:
        loader = SamBa(serial)
        version = loader.version()
        chip = loader.chip()
        if not ("SAM-BA" in version and chip.startswith("nRF52840")):
            raise WrongAnswer(
                f"{port}: bootloader {version!r} on chip {chip!r}",
                f"connect a {board.name}, or correct the board's name",
            )
        retries = 0
        plan = list(pages(image.bytes))
        base = image.offset - board.flash.app_offset
        first_address, first = plan[0]
        steps = [(first_address, BLANK), *plan[1:], (first_address, first)]
        for done, (address, data) in enumerate(steps):
            progress(done * PAGE, len(steps) * PAGE)
            retries += _write_verified(loader, base + address, data)
        progress(len(steps) * PAGE, len(steps) * PAGE)
        loader.reset()
    finally:
        serial.close()
    return FlashReport(
        board=board.name,
        port=port,
        pages=len(plan),
        bytes=len(image.bytes),
        retries=retries,
        seconds=time.monotonic() - started,
        bootloader=version,
    )


def probe(port: str, board: Board, ask: Ask) -> str:
    """What the bootloader says of itself; nothing is written, and the application starts again."""
    serial = enter_bootloader(identify(port))
    try:
        loader = SamBa(serial)
        said = f"{loader.version()}, {loader.chip()}"
        loader.reset()
    finally:
        serial.close()
    return said


def enter_bootloader(identity: PortIdentity) -> SerialPort:
    """Touch, wait, and connect. A board that is in its bootloader already takes the same path."""
    deadline = time.monotonic() + 2 * ENTER_TIMEOUT
    touch = True
    filler = False
    while True:
        try:
            path = await_port(identity, ENTER_TIMEOUT)
            if touch:
                touch_1200(path)
                time.sleep(SETTLE)
                path = await_port(identity, ENTER_TIMEOUT)
            return _connect(path, filler)
        except PortLost:
            if time.monotonic() > deadline:
                raise
            # Power may have been lost too: then the application runs again.
            touch = True
        except (BoardSilent, WrongAnswer) as error:
            if time.monotonic() > deadline:
                raise BoardSilent(
                    f"{identity.path}: no bootloader answers ({error.message})",
                    "press RESET twice within half a second (the orange light pulses), then retry",
                ) from None
            # Touch and filler by turns: either the application has missed the touch, or a host
            # that died half way has left the bootloader waiting for the rest of a page.
            touch, filler = filler, not filler
        time.sleep(0.1)


def _connect(path: str, filler: bool) -> SerialPort:
    port = SerialPort(path, baud=BOOTLOADER_BAUD)
    try:
        loader = SamBa(port)
        if filler:
            loader.resynchronise()
        else:
            loader.normal_mode()
    except BaseException:
        port.close()
        raise
    return port


def pages(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(address, 4096 bytes) of each page; the last is filled up with FF."""
    for address in range(0, len(content), PAGE):
        yield address, content[address : address + PAGE].ljust(PAGE, b"\xff")


def _write_verified(loader: SamBa, address: int, data: bytes) -> int:
    """Write one page until its CRC is right; returns the number of repetitions."""
    want = page_crc(data)
    problem = ""
    for attempt in range(PAGE_TRIES):
        try:
            if attempt:
                loader.resynchronise()
            loader.write_page(address, data)
            got = loader.crc(address, PAGE)
        except (BoardSilent, WrongAnswer) as error:
            problem = error.message
            continue
        if got == want:
            return attempt
        problem = f"CRC 0x{got:04X}, expected 0x{want:04X}"
    raise FlashFailed(
        f"{loader.port.path}: page at 0x{address:05x} after {PAGE_TRIES} tries: {problem}",
        "try another cable; if the same page fails again, the board's flash is worn",
    )
