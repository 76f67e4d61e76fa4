"""The registers of an ESP32-D0WD that esptool 5.6 reads, and its SPI flash chip behind them.

Addresses and fields: espressif/esptool targets/esp32.py and loader.py. A chip has thousands of
other registers; here they read as zero and keep what is written to them.
"""

from __future__ import annotations

from collections.abc import Callable

CHIP_MAGIC = 0x40001000
ESP32 = 0x00F01D83
EFUSE = 0x3FF5A000
MAC = bytes.fromhex("24 0a c4 00 00 01")
"""24:0A:C4 belongs to Espressif (IEEE OUI, from memory)."""

CRYSTAL_HZ = 40_000_000
UART_CLOCK_DIVIDER = 0x3FF40014
RTC_CALIBRATION = 0x3FF5F06C
RTC_CALIBRATION_SHIFT = 7
# The ROM takes calibration * 15625 * clock / 40 for its crystal: this pair makes it 40 MHz.
CALIBRATION, FAST_CLOCK = 1024, 100

SPI = 0x3FF42000
SPI_ADDRESS = SPI + 0x04
SPI_USER2 = SPI + 0x24
SPI_W0 = SPI + 0x80
SPI_START = 1 << 18

READ_ID = 0x9F
READ_SFDP = 0x5A
FLASH_ID = 0x1640C8
"""GigaDevice, 2^22 bytes: the id of a common 4 MB chip."""
SFDP = int.from_bytes(b"SFDP", "little")

_FUSES = {
    0: 0,
    1: int.from_bytes(MAC[2:], "big"),
    2: int.from_bytes(MAC[:2], "big"),
    3: 1 << 9 | 1 << 13,  # package D0WD, 240 MHz
    4: FAST_CLOCK,
}


class Registers:
    """32-bit registers by address.

    Parameters
    ----------
    baud
        Gives the speed that the host has set: the ROM finds it out by itself and sets its UART's
        divider, from which esptool reckons the crystal's frequency.
    """

    def __init__(self, baud: Callable[[], int]) -> None:
        self._baud = baud
        self._values = {EFUSE + 4 * word: value for word, value in _FUSES.items()}
        self._values[CHIP_MAGIC] = ESP32
        self._values[RTC_CALIBRATION] = CALIBRATION << RTC_CALIBRATION_SHIFT

    def read(self, address: int) -> int:
        """One register."""
        if address == UART_CLOCK_DIVIDER:
            return CRYSTAL_HZ // (self._baud() or 115200)
        return self._values.get(address, 0)

    def write(self, address: int, value: int, mask: int) -> None:
        """The bits of `mask`; writing SPI_START runs a command of the flash chip at once."""
        if address == SPI and value & mask & SPI_START:
            self._values[SPI_W0] = self._flash_chip(self._values.get(SPI_USER2, 0) & 0xFF)
            return
        self._values[address] = self._values.get(address, 0) & ~mask | value & mask

    def _flash_chip(self, command: int) -> int:
        if command == READ_ID:
            return FLASH_ID
        if command == READ_SFDP:
            return SFDP if self._values.get(SPI_ADDRESS, 0) == 0 else 0xFFFFFFFF
        return 0  # status registers: nothing protected, nothing pending
