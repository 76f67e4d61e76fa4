"""A virtual Arduino Nano 33 BLE Sense: its bootloader in Python, its application in QEMU."""

from __future__ import annotations

from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.nano_bootloader import APP, APP_END, PAGE, NanoBootloader


class Nano33Ble(VirtualBoard):
    """Enters its bootloader by a touch at 1200 baud or by RESET twice; stays there while blank."""

    FLASH_BYTES = APP_END
    PAGE_BYTES = PAGE
    APP = APP
    BRIDGED = False
    # 85 ms an erase, 41 us a word (unsourced, from memory): with the line the 0.156 to 0.169 s a
    # page of public logs.
    PAGE_SECONDS = 0.085 + PAGE // 4 * 41e-6

    def bytes_per_second(self) -> float:
        """USB at full speed: about a megabyte a second (unsourced), whatever the host's baud is."""
        return 1e6

    def _reset(self, twice: bool = False) -> None:
        if twice or NanoBootloader.stays(self.flash, self.APP):
            loader = NanoBootloader(self.flash, self.to_host, self._reset, self.APP)
            self.enter_bootloader(loader)
        else:
            self.launch()

    def _closed(self, touched: bool) -> None:
        # A real board acts on the touch only while its application serves USB; here it works
        # whatever the application does.
        if touched and self.mode == "application":
            self._reset(twice=True)
