"""A virtual Himax WE-I Plus EVB: its bootloader in Python, its application built for the host.

Neither opening nor closing the port resets it: somebody presses RESET.
"""

from __future__ import annotations

from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.himax_bootloader import APP, END, PAGE, HimaxBootloader
from tinyops.emulation import Chip, HostChip


class HimaxWe1(VirtualBoard):
    """In its bootloader for 0.3 s after every reset, and for good when its image is torn."""

    FLASH_BYTES = END
    PAGE_BYTES = PAGE
    APP = APP
    # Of the 46.6 s that a log of HIMAX_WE1_EVB_user_guide shows for 368640 bytes the line takes
    # 33.3 s; the rest, by the page.
    PAGE_SECONDS = 0.148

    def _reset(self, twice: bool = False) -> None:
        self.enter_bootloader(HimaxBootloader(self.flash, self.to_host, self.launch))

    def _powered(self, content: bytes) -> Chip:
        return HostChip(content)  # a WE-I has no number that its SDK documents
