"""A virtual Himax WE-I Plus EVB: its bootloader in Python, its application built for the host.

Neither opening nor closing the port resets it: somebody presses RESET.
"""

from __future__ import annotations

from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.himax_bootloader import APP, END, PAGE, HimaxBootloader


class HimaxWe1(VirtualBoard):
    """In its bootloader for 0.3 s after every reset, and for good when its image is torn."""

    FLASH_BYTES = END
    PAGE_BYTES = PAGE
    APP = APP

    def _reset(self, twice: bool = False) -> None:
        self.enter_bootloader(HimaxBootloader(self.flash, self.to_host, self.launch))
