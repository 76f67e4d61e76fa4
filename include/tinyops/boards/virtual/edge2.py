"""A virtual SparkFun Edge 2: SVL in Python, its application in QEMU.

The port's DTR is wired to RESET through a capacitor: whoever opens the port resets the board.
"""

from __future__ import annotations

from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.svl_bootloader import APP, END, PAGE, SvlBootloader


class Edge2(VirtualBoard):
    """In its bootloader for 200 ms after every reset."""

    FLASH_BYTES = END
    PAGE_BYTES = PAGE
    APP = APP
    PAGE_SECONDS = 0.1  # at worst, as the sources of sparkfun/Apollo3_Uploader_ASB say

    def _reset(self, twice: bool = False) -> None:
        loader = SvlBootloader(
            self.flash, self.to_host, self.launch, self._reset, self.baud, self.APP
        )
        self.enter_bootloader(loader)

    def _opened(self) -> None:
        self._reset()
