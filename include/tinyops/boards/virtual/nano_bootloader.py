"""The stock bootloader of the Nano 33 BLE, as ArduinoCore-mbed's bootloader.elf behaves.

Replies are byte for byte those of the ROM image, with its two bytes too many after V and I. `Y` is
answered even when nothing could be written. `X` erases nothing. Unknown letters get no answer.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable

from tinyops.boards.virtual.flash_memory import FlashMemory

APP = 0x10000
APP_END = 0x100000
PAGE = 4096
RAM = 8192
COMMAND = 64
VERSION = b"Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]\n\r\0n"
CHIP = b"nRF52840-QIAA\n\r\0X"


class NanoBootloader:
    """Fed with the host's bytes; answers through `send`.

    Parameters
    ----------
    flash
        The whole flash.
    app
        Where the application starts in it: host address 0.
    send
        Called with each reply.
    restart
        Called by `K`.
    """

    def __init__(
        self,
        flash: FlashMemory,
        send: Callable[[bytes], None],
        restart: Callable[[], None],
        app: int = APP,
    ) -> None:
        self._flash = flash
        self._app = app
        self._send = send
        self._restart = restart
        self._ram = bytearray(RAM)
        self._command = bytearray()
        self._copy_from = 0
        self._fill_at = 0
        self._fill_left = 0

    @staticmethod
    def stays(flash: FlashMemory, app: int = APP) -> bool:
        """Whether the bootloader keeps control: one of the application's first words is blank."""
        words = flash.read(app, 8)
        return b"\xff\xff\xff\xff" in (words[:4], words[4:])

    def feed(self, data: bytes) -> None:
        """Take bytes in any pieces."""
        at = 0
        while at < len(data):
            if self._fill_left:
                piece = data[at : at + self._fill_left]
                self._fill(piece)
                at += len(piece)
                continue
            byte = data[at]
            at += 1
            if byte == ord("#"):
                command = bytes(self._command)
                self._command.clear()
                self._run(command)
            elif len(self._command) < COMMAND:
                self._command.append(byte)

    def next_due(self) -> None:
        """It never waits for a time."""

    def tick(self, now: float) -> None:
        """Nothing."""

    def _fill(self, piece: bytes) -> None:
        room = max(0, min(len(piece), RAM - self._fill_at))
        self._ram[self._fill_at : self._fill_at + room] = piece[:room]
        self._fill_at += len(piece)
        self._fill_left -= len(piece)

    def _run(self, command: bytes) -> None:
        letter = command[:1]
        first, second = _hex(command[1:9]), _hex(command[10:18])
        if letter == b"N":
            self._send(b"\n\r")
        elif letter == b"V":
            self._send(VERSION)
        elif letter == b"I":
            self._send(CHIP)
        elif letter == b"X":
            self._send(b"X\n\r")
        elif letter == b"S":
            self._fill_at, self._fill_left = first, second
        elif letter == b"Y":
            if second:
                self._write(first, second)
            else:
                self._copy_from = first
            self._send(b"Y\n\r")
        elif letter == b"Z":
            size = min(second, PAGE)
            start = min(self._app + first, self._flash.size)
            content = self._flash.read(start, min(size, self._flash.size - start))
            self._send(b"Z%08X#\n\r" % binascii.crc_hqx(content, 0))
        elif letter == b"K":
            self._restart()

    def _write(self, address: int, size: int) -> None:
        start = self._app + address
        if start + size > self._flash.size or self._copy_from + size > RAM:
            return
        if start % PAGE == 0 and size % PAGE == 0:
            self._flash.erase(start, size)
        # Without the erase the write still goes on, ANDing into what is there.
        self._flash.write(start, bytes(self._ram[self._copy_from : self._copy_from + size]))


def _hex(text: bytes) -> int:
    """Hexadecimal digits up to the first other byte, as the ROM's parser reads them."""
    value = 0
    for byte in text:
        digit = chr(byte)
        if digit not in "0123456789abcdefABCDEF":
            break
        value = value * 16 + int(digit, 16)
    return value
