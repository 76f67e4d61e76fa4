"""A virtual ESP-EYE: the ESP32's ROM loader and esptool's stub in Python.

On a real board DTR and RTS pull GPIO0 and EN. A pseudo-terminal has no such lines, so two events
stand for what they do: a SYNC request while the application runs resets into the ROM loader, as
esptool's dance before its first SYNC would, and closing the port ends the loader, as its pulse on
RTS at the end would.
"""

from __future__ import annotations

from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.boot_check import bootable
from tinyops.boards.virtual.esp_packet import SYNC, SYNC_DATA, request
from tinyops.boards.virtual.esp_registers import Registers
from tinyops.boards.virtual.esp_rom import EspRom
from tinyops.boards.virtual.esp_stub import EspStub
from tinyops.emulation import Chip, HostChip

SYNC_REQUEST = request(SYNC, SYNC_DATA)
# ESP-IDF docs and boot logs: what ROM and second bootloader print at 115200 baud.
DOWNLOAD_MODE = (
    b"ets Jun  8 2016 00:22:57\r\n\r\n"
    b"rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\n"
    b"waiting for download\r\n"
)
NOT_BOOTABLE = b"E (75) boot: No bootable app partitions in the partition table\r\n"


class EspEye(VirtualBoard):
    """Starts ota_0 if it is intact; otherwise waits in the ROM loader.

    A real board with a broken application resets for ever, and the dance of DTR and RTS reaches
    its ROM at any time; waiting there comes to the same for the host.
    """

    FLASH_BYTES = 4 * 1024 * 1024
    PAGE_BYTES = 4096
    APP = 0x20000
    PAGE_SECONDS = 0.045  # erasing 4 KB of serial flash (datasheets' typical value, from memory)

    def _reset(self, twice: bool = False) -> None:
        self._heard = b""
        if bootable(self.flash, self.APP):
            self.launch()
        else:
            self.to_host(NOT_BOOTABLE)
            self._download()

    def _powered(self, content: bytes) -> Chip:
        return HostChip(content, self.chip_id)

    def _closed(self, touched: bool) -> None:
        if self.mode == "bootloader":
            self._reset()

    def _left_by(self, data: bytes) -> bool:
        self._heard += data
        if SYNC_REQUEST in self._heard:
            # This SYNC is lost in the reset; the host repeats it.
            self._download()
            return True
        self._heard = self._heard[1 - len(SYNC_REQUEST) :]
        return False

    def _download(self) -> None:
        self._heard = b""
        self._registers = Registers(self.baud)
        loader = EspRom(
            self.flash, self._registers, self.to_host, self._reset, start_stub=self._run_stub
        )
        self.enter_bootloader(loader)
        self.to_host(DOWNLOAD_MODE)

    def _run_stub(self) -> None:
        stub = EspStub(
            self.flash, self._registers, self.to_host, self._reset, start_stub=self._run_stub
        )
        self.enter_bootloader(stub)
        stub.greet()
