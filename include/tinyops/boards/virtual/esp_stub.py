"""The flasher stub that esptool loads into an ESP32's RAM, as far as a host can tell.

espressif/esptool docs serial-protocol.rst: the ROM's requests, answered with a status of two bytes,
and four more. It erases as it writes, stays until it is told to reset, and says OHAI when it
starts.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from tinyops.boards.virtual import esp_packet as packet
from tinyops.boards.virtual.esp_packet import Failure, Refused, words
from tinyops.boards.virtual.esp_rom import DONE, Answer, EspRom
from tinyops.boards.virtual.esp_writing import check_range, erase
from tinyops.boards.virtual.slip import encode

GREETING = b"OHAI"
BLOCK_LIMIT = 4096
# The host lets 64 blocks be under way; the line of a virtual board holds fewer.
UNDER_WAY = 4


@dataclass
class Reading:
    """A READ_FLASH under way: what is still to be sent, and how much the host has got."""

    address: int
    end: int
    block: int
    under_way: int
    start: int
    digest: Any  # hashlib's


class EspStub(EspRom):
    """Fed with the host's bytes, like the ROM that has started it."""

    # espressif/esptool util.py: the first status byte is the code.
    CODES: ClassVar[dict[Failure, bytes]] = {
        Failure.MESSAGE: b"\xc0\0",
        Failure.RESULT: b"\xc4\0",
        Failure.CHECKSUM: b"\xc1\0",
        Failure.INFLATE: b"\xc7\0",
        Failure.TOO_MUCH: b"\xc9\0",
        Failure.NOT_ENOUGH: b"\xc8\0",
        Failure.NOT_BEGUN: b"\xc6\0",
        Failure.ADDRESS: b"\xc0\0",
        Failure.UNKNOWN: b"\xff\0",
    }
    STATUS_BYTES: ClassVar[int] = 2
    BEGIN_WORDS: ClassVar[int] = 5
    ATTACH_WORDS: ClassVar[int] = 1
    ERASES_AT_ONCE: ClassVar[bool] = False

    _reading: Reading | None = None

    def _commands(self) -> dict[int, Callable[[bytes], Answer]]:
        commands = super()._commands() | {
            packet.ERASE_FLASH: self._erase_flash,
            packet.ERASE_REGION: self._erase_region,
            packet.READ_FLASH: self._read_flash,
        }
        del commands[packet.READ_FLASH_SLOW]
        return commands

    def greet(self) -> None:
        """The first sign of life."""
        self._send(encode(GREETING))

    def _take(self, frame: bytes) -> None:
        if self._reading is not None:
            self._acknowledged(self._reading, frame)
        elif frame[:2] == bytes((packet.REQUEST, packet.RUN_USER_CODE)):
            self._leave(self._restart)  # without an answer
        else:
            super()._take(frame)

    def _after(self, op: int, data: bytes) -> None:
        if op == packet.READ_FLASH:
            if self._reading is not None:
                self._send_blocks(self._reading)
        elif op not in (packet.FLASH_END, packet.DEFL_END) or words(data, 1)[0] == 0:
            super()._after(op, data)

    def _sync(self, data: bytes) -> Answer:
        super()._sync(data)
        return DONE

    def _end(self, data: bytes) -> Answer:
        if self._writing is not None and self._writing.left:
            raise Refused(Failure.NOT_ENOUGH)
        return super()._end(data)

    def _md5(self, data: bytes) -> Answer:
        return 0, self._digest(data)

    def _erase_flash(self, data: bytes) -> Answer:
        self._flash.erase(0, self._flash.size)
        return DONE

    def _erase_region(self, data: bytes) -> Answer:
        address, size = words(data, 2)
        if address % self._flash.page or size % self._flash.page:
            raise Refused(Failure.RESULT)
        erase(self._flash, address, size)
        return DONE

    def _read_flash(self, data: bytes) -> Answer:
        address, size, block, under_way = words(data, 4)
        if not (0 < block <= BLOCK_LIMIT and under_way):
            raise Refused(Failure.MESSAGE)
        check_range(self._flash, address, size)
        self._reading = Reading(
            address, address + size, block, min(under_way, UNDER_WAY), address, hashlib.md5()
        )
        return DONE

    def _acknowledged(self, reading: Reading, frame: bytes) -> None:
        """The host tells how many bytes it has; anything else ends the reading."""
        if len(frame) != 4:
            self._reading = None
            return
        self._send_blocks(reading, struct.unpack("<I", frame)[0])

    def _send_blocks(self, reading: Reading, got: int = 0) -> None:
        """Raw data in frames, so many ahead of the host; at the end their MD5."""
        ahead = reading.start + got + reading.under_way * reading.block
        while reading.address < min(reading.end, ahead):
            size = min(reading.block, reading.end - reading.address)
            content = self._flash.read(reading.address, size)
            reading.digest.update(content)
            reading.address += size
            self._send(encode(content))
        if reading.start + got >= reading.end:
            self._send(encode(reading.digest.digest()))
            self._reading = None
