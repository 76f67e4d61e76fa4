"""The extended SAM-BA protocol, as the bootloader of the Arduino Nano 33 BLE speaks it.

ASCII commands end in '#'; numbers are eight hexadecimal digits. Host address 0 is flash 0x10000.
Facts from the symbols of ArduinoCore-mbed bootloaders/nano33ble/bootloader.elf and from
arduino/BOSSA: `Y` is answered even when the write failed, so every page is checked with `Z`.
"""

from __future__ import annotations

import binascii
import re

from tinyops.boards.errors import BoardSilent, WrongAnswer
from tinyops.boards.transport import SerialPort

PAGE = 4096
# Timeouts in seconds. BOSSA allows 5 s for an erase; the other answers come at once.
ERASE_WRITE = 5.0
ANSWER = 1.0
QUIET = 0.05
LATE = 0.2
_STRAY = re.compile(rb"\0.", re.DOTALL)


def page_crc(data: bytes) -> int:
    """CRC-16/XMODEM (polynomial 0x1021, initial 0), as command Z computes it.

    >>> hex(page_crc(b"123456789"))
    '0x31c3'
    """
    return binascii.crc_hqx(data, 0)


class SamBa:
    """The commands. Each raises BoardSilent, WrongAnswer or PortLost."""

    def __init__(self, port: SerialPort) -> None:
        self.port = port

    def normal_mode(self) -> None:
        """N: binary mode; the first sign that a bootloader is listening.

        Whatever was sent to the port before ends up in front of the first N and spoils it.
        """
        try:
            self._ask(b"N#", b"\n\r", 0.2)
        except BoardSilent:
            self._ask(b"N#", b"\n\r", 0.5)
            # The first was late, not lost: its answer would pass for that of the next command.
            self.port.drain(LATE)

    def version(self) -> str:
        """V: for example `Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]`."""
        return self._text(b"V#")

    def chip(self) -> str:
        """I: for example `nRF52840-QIAA`."""
        return self._text(b"I#")

    def write_page(self, address: int, data: bytes) -> None:
        """S, Y, Y: erase and write one whole page. Success is not known before `crc`.

        The bootloader erases only when address and length are multiples of 4096; it would AND a
        shorter piece into what is there.
        """
        if address % PAGE or len(data) != PAGE:
            raise ValueError(f"not a whole page: {len(data)} bytes at 0x{address:x}")
        self.port.write(b"S%08X,%08X#" % (0, PAGE))
        # BOSSA's Samba.cpp: a SAM firmware can confuse header and data that share a packet.
        self.port.flush()
        self.port.write(data)
        self._ask(b"Y%08X,0#" % 0, b"Y\n\r", ANSWER)
        self._ask(b"Y%08X,%08X#" % (address, PAGE), b"Y\n\r", ERASE_WRITE)

    def crc(self, address: int, size: int) -> int:
        """Z: CRC-16/XMODEM of `size` <= 4096 bytes of flash."""
        self.port.write(b"Z%08X,%08X#" % (address, size))
        answer = self.port.read_exactly(12, ANSWER)
        if not (answer.startswith(b"Z") and answer.endswith(b"#\n\r")):
            raise WrongAnswer(f"{self.port.path}: {answer!r} to Z", "press RESET and try again")
        try:
            return int(answer[1:9], 16)
        except ValueError:
            raise WrongAnswer(f"{self.port.path}: {answer!r} to Z", "press RESET") from None

    def reset(self) -> None:
        """K: leave USB and restart. There is no answer; the port vanishes."""
        self.port.write(b"K#")
        self.port.flush()

    def resynchronise(self) -> None:
        """After lost bytes: fill what the bootloader may still wait for, then drop its answers.

        A lone '#' has no letter before it and is ignored like every unknown command (inferred
        from the dispatch on the first letter).
        """
        self.port.write(b"#" * (PAGE + 64))
        self.port.drain(0.1)
        self.normal_mode()

    def _ask(self, command: bytes, answer: bytes, timeout: float) -> None:
        self.port.write(command)
        got = self.port.read_exactly(len(answer), timeout)
        if got != answer:
            raise WrongAnswer(
                f"{self.port.path}: {got!r} to {command.decode()}, expected {answer!r}",
                "press RESET twice within half a second to enter the bootloader",
            )

    def _text(self, command: bytes) -> str:
        # The ROM sends two bytes too many (\0n or \0X): read to the first unprintable one, and drop
        # the rest. A ROM without them is silent instead.
        self.port.write(command)
        data = self.port.read_exactly(1, ANSWER)
        while not _STRAY.search(data) and (more := self.port.read(64, QUIET)):
            data += more
        text = bytes(byte if 32 <= byte < 127 else 0 for byte in data).split(b"\0")[0]
        return text.decode()
