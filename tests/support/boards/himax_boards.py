"""Virtual Himax WE-I Plus EVB, its images, XMODEM blocks, and a finger that presses RESET."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.boards.virtual_boards import eventually, idle_image
from tinyops.boards.catalogue import load_board
from tinyops.boards.flash_report import FlashReport
from tinyops.boards.flashing import flash
from tinyops.boards.image import Image
from tinyops.boards.link import crc16
from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.himax_bootloader import APP, BOOT_FAIL, LAUNCHES
from tinyops.boards.virtual.himax_we1 import HimaxWe1
from tinyops.boards.virtual.xmodem_receiver import BLOCK, SOH

HIMAX = load_board("himax-we1-plus")


class Board(HimaxWe1):
    """Remembers what it said. Its application, here no program, only counts as started."""

    said = b""

    def to_host(self, data: bytes) -> None:
        self.said += data
        super().to_host(data)

    def launch(self) -> None:
        self._power_off()
        self.mode = "application"

    def settled(self) -> bool:
        """Whether the last reset has ended in an application or in a refusal."""
        return eventually(lambda: self.said.endswith((LAUNCHES, BOOT_FAIL)))


def image(size: int = 20_000, seed: int = 0) -> Image:
    return idle_image(size, seed=seed, board=HIMAX.name)


class Finger:
    """Does what it is asked to: presses RESET."""

    def __init__(self, board: VirtualBoard, times: int = 1) -> None:
        self.asked: list[str] = []
        self._board = board
        self._times = times

    def __call__(self, what: str) -> None:
        self.asked.append(what)
        for _ in range(self._times):
            self._board.press_reset()


def nobody(what: str) -> None:
    """Presses nothing."""


def flashed(virtual: Board, what: Image, ask: Callable[[str], None] | None = None) -> FlashReport:
    report = flash(str(virtual.port), what, HIMAX, ask=ask or Finger(virtual))
    assert virtual.flash.read(APP, len(what.bytes)) == what.bytes
    assert eventually(lambda: virtual.mode == "application")
    return report


def block(number: int, data: bytes = bytes(BLOCK)) -> bytes:
    number %= 256
    return SOH + bytes((number, 255 - number)) + data + crc16(data).to_bytes(2, "big")
