"""The serial loader in the ROM of an ESP32, as espressif/esptool docs serial-protocol.rst has it.

What is no request gets no answer. Erasing and writing take no time here, and CHANGE_BAUD is
answered only: a pseudo-terminal carries bytes at any speed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import ClassVar

from tinyops.boards.virtual import esp_packet as packet
from tinyops.boards.virtual.esp_packet import Failure, Refused, words
from tinyops.boards.virtual.esp_registers import Registers
from tinyops.boards.virtual.esp_writing import Writing, check_range
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.slip import Decoder

FRAME_LIMIT = 64 * 1024
SYNC_REPLIES = 8
SYNC_VALUE = 0x55551207
"""Seen in traces. esptool takes any value but zero for the ROM, and zero for the stub."""
SLOW_READ = 64
# espressif/esptool targets/esp32.py, MEMORY_MAP: where a program may be loaded.
RAM = ((0x3FFAE000, 0x40000000), (0x40070000, 0x400BFFFC))

Answer = tuple[int, bytes]
DONE: Answer = (0, b"")


class EspRom:
    """Fed with the host's bytes; answers through `send`.

    Parameters
    ----------
    send
        Called with each reply.
    restart
        Called when the host asks for a reset or for the application.
    start_stub
        Called when the host starts what it has loaded into RAM. That is Xtensa code and is not
        executed: whatever was loaded, the flasher stub is taken for it.
    """

    # espressif/esptool util.py: a status byte 1, then the reason.
    CODES: ClassVar[dict[Failure, bytes]] = {
        Failure.MESSAGE: b"\x01\x05",
        Failure.RESULT: b"\x01\x06",
        Failure.CHECKSUM: b"\x01\x07",
        Failure.INFLATE: b"\x01\x0b",
        Failure.TOO_MUCH: b"\x01\x0d",
        Failure.NOT_ENOUGH: b"\x01\x06",
        Failure.NOT_BEGUN: b"\x01\x06",
        Failure.ADDRESS: b"\x01\x0f",
        Failure.UNKNOWN: b"\x01\x05",
    }
    STATUS_BYTES: ClassVar[int] = 4
    BEGIN_WORDS: ClassVar[int] = 4
    ATTACH_WORDS: ClassVar[int] = 2
    ERASES_AT_ONCE: ClassVar[bool] = True

    def __init__(
        self,
        flash: FlashMemory,
        registers: Registers,
        send: Callable[[bytes], None],
        restart: Callable[[], None],
        start_stub: Callable[[], None],
    ) -> None:
        self._flash = flash
        self._registers = registers
        self._send = send
        self._restart = restart
        self._start_stub = start_stub
        self._frames = Decoder(FRAME_LIMIT)
        self._writing: Writing | None = None
        self._gone = False  # control is elsewhere
        self._blocks: dict[int, Callable[[bytes], None]] = {
            packet.FLASH_DATA: lambda content: self._begun(packed=False).take(content),
            packet.MEM_DATA: lambda content: None,
            packet.DEFL_DATA: lambda content: self._begun(packed=True).take(content),
        }

    def _commands(self) -> dict[int, Callable[[bytes], Answer]]:
        """What answers each request, by its number."""
        return {
            packet.FLASH_BEGIN: lambda data: self._begin(data, packed=False),
            packet.FLASH_END: self._end,
            packet.MEM_BEGIN: self._mem_begin,
            packet.MEM_END: lambda data: _accepted(data, 2),
            packet.SYNC: self._sync,
            packet.WRITE_REG: self._write_register,
            packet.READ_REG: self._read_register,
            packet.SPI_SET_PARAMS: lambda data: _accepted(data, 6),
            packet.SPI_ATTACH: lambda data: _accepted(data, self.ATTACH_WORDS),
            packet.READ_FLASH_SLOW: self._read_slow,
            packet.CHANGE_BAUD: lambda data: _accepted(data, 2),
            packet.DEFL_BEGIN: lambda data: self._begin(data, packed=True),
            packet.DEFL_END: self._end,
            packet.SPI_FLASH_MD5: self._md5,
        }

    def feed(self, data: bytes) -> None:
        """Take bytes in any pieces."""
        for frame in self._frames.feed(data):
            if self._gone:
                return
            self._take(frame)

    def next_due(self) -> float | None:
        """It never waits for a time."""
        return None

    def tick(self, now: float) -> None:
        """Nothing."""

    def _take(self, frame: bytes) -> None:
        if len(frame) < packet.HEADER.size or frame[0] != packet.REQUEST:
            return
        _, op, size, checksum = packet.HEADER.unpack_from(frame)
        data = frame[packet.HEADER.size :]
        try:
            if size != len(data):
                raise Refused(Failure.MESSAGE)
            value, content = self._answer(op, data, checksum)
        except Refused as refused:
            self._reply(op, 0, b"", self.CODES[refused.failure])
        else:
            self._reply(op, value, content, b"\0\0")
            self._after(op, data)

    def _answer(self, op: int, data: bytes, checksum: int) -> Answer:
        if op in self._blocks:
            self._blocks[op](packet.block(data, checksum))
            return DONE
        answers = self._commands()
        if op not in answers:
            raise Refused(Failure.UNKNOWN)
        return answers[op](data)

    def _reply(self, op: int, value: int, content: bytes, status: bytes) -> None:
        answer = packet.reply(op, value, content + status.ljust(self.STATUS_BYTES, b"\0"))
        self._send(answer * (SYNC_REPLIES if op == packet.SYNC else 1))

    def _after(self, op: int, data: bytes) -> None:
        """What happens once the answer has gone out."""
        if op == packet.MEM_END and words(data, 2)[0] == 0:
            self._leave(self._start_stub)
        elif op in (packet.FLASH_END, packet.DEFL_END):
            # 0 reboots, 1 runs the application: both begin with a reset here.
            self._leave(self._restart)

    def _leave(self, to: Callable[[], None]) -> None:
        self._gone = True
        to()

    def _sync(self, data: bytes) -> Answer:
        if data != packet.SYNC_DATA:
            raise Refused(Failure.MESSAGE)
        return SYNC_VALUE, b""

    def _read_register(self, data: bytes) -> Answer:
        (address,) = words(data, 1)
        return self._registers.read(address), b""

    def _write_register(self, data: bytes) -> Answer:
        if not data:
            raise Refused(Failure.MESSAGE)
        for at in range(0, len(data), 16):
            address, value, mask, _ = words(data[at : at + 16], 4)
            self._registers.write(address, value, mask)
        return DONE

    def _mem_begin(self, data: bytes) -> Answer:
        size, _, _, address = words(data, 4)
        if not any(start <= address and address + size <= end for start, end in RAM):
            raise Refused(Failure.ADDRESS)
        return DONE

    def _begin(self, data: bytes, packed: bool) -> Answer:
        size, _, _, address = words(data, self.BEGIN_WORDS)[:4]
        self._writing = Writing(
            self._flash, address, size, packed=packed, at_once=self.ERASES_AT_ONCE
        )
        return DONE

    def _begun(self, packed: bool) -> Writing:
        if self._writing is None or self._writing.packed != packed:
            raise Refused(Failure.NOT_BEGUN)
        return self._writing

    def _end(self, data: bytes) -> Answer:
        words(data, 1)
        if self._writing is None:
            raise Refused(Failure.NOT_BEGUN)
        self._writing = None
        return DONE

    def _read_slow(self, data: bytes) -> Answer:
        address, size = words(data, 2)
        if size > SLOW_READ:
            raise Refused(Failure.MESSAGE)
        check_range(self._flash, address, size)
        return 0, self._flash.read(address, size).ljust(SLOW_READ, b"\0")

    def _md5(self, data: bytes) -> Answer:
        """The ROM answers in hexadecimal digits."""
        return 0, self._digest(data).hex().encode()

    def _digest(self, data: bytes) -> bytes:
        address, size, _, _ = words(data, 4)
        check_range(self._flash, address, size)
        return hashlib.md5(self._flash.read(address, size), usedforsecurity=False).digest()


def _accepted(data: bytes, count: int) -> Answer:
    """For what has no effect here: only its size is looked at."""
    words(data, count)
    return DONE
