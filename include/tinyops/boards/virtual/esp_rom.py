"""The serial loader in the ROM of an ESP32, as espressif/esptool docs serial-protocol.rst has it.

What is no request gets no answer. Erasing and writing take no time here, and CHANGE_BAUD is
answered only: a pseudo-terminal carries bytes at any speed.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from tinyops.boards.virtual import esp_packet as packet
from tinyops.boards.virtual.esp_packet import Failure, Refused, words
from tinyops.boards.virtual.esp_registers import Registers
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


@dataclass
class Writing:
    """A transfer between BEGIN and END: where the next byte goes, how many are to come."""

    address: int
    left: int
    inflater: Any = None  # zlib's decompressobj, which has no public type


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
        self._commands: dict[int, Callable[[bytes], Answer]] = {
            packet.FLASH_BEGIN: self._flash_begin,
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
            packet.DEFL_BEGIN: self._defl_begin,
            packet.DEFL_END: self._end,
            packet.SPI_FLASH_MD5: self._md5,
        }
        self._blocks: dict[int, Callable[[bytes], None]] = {
            packet.FLASH_DATA: self._flash_data,
            packet.MEM_DATA: lambda content: None,
            packet.DEFL_DATA: self._defl_data,
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
        if op not in self._commands:
            raise Refused(Failure.UNKNOWN)
        return self._commands[op](data)

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

    def _flash_begin(self, data: bytes) -> Answer:
        size, _, _, address = words(data, self.BEGIN_WORDS)[:4]
        self._begin(address, size)
        return DONE

    def _defl_begin(self, data: bytes) -> Answer:
        size, _, _, address = words(data, self.BEGIN_WORDS)[:4]
        self._begin(address, size).inflater = zlib.decompressobj()
        return DONE

    def _begin(self, address: int, size: int) -> Writing:
        """The ROM erases all sectors of the range before it answers."""
        self._erase(address, size)
        self._writing = Writing(address, size)
        return self._writing

    def _flash_data(self, content: bytes) -> None:
        writing = self._begun()
        if writing.inflater is not None:
            raise Refused(Failure.NOT_BEGUN)
        if not writing.left:
            raise Refused(Failure.TOO_MUCH)
        # The host fills the last block up with FF.
        self._write(writing, content[: writing.left])

    def _defl_data(self, content: bytes) -> None:
        writing = self._begun()
        if writing.inflater is None:
            raise Refused(Failure.NOT_BEGUN)
        try:
            # One byte more than is to come, so that too much is seen and no more is inflated.
            inflated = writing.inflater.decompress(content, writing.left + 1)
        except zlib.error:
            raise Refused(Failure.INFLATE) from None
        if len(inflated) > writing.left:
            raise Refused(Failure.TOO_MUCH)
        self._write(writing, inflated)

    def _write(self, writing: Writing, content: bytes) -> None:
        self._flash.write(writing.address, content)
        writing.address += len(content)
        writing.left -= len(content)

    def _end(self, data: bytes) -> Answer:
        words(data, 1)
        self._begun()
        self._writing = None
        return DONE

    def _begun(self) -> Writing:
        if self._writing is None:
            raise Refused(Failure.NOT_BEGUN)
        return self._writing

    def _erase(self, address: int, size: int) -> None:
        """All sectors that the range touches."""
        self._check(address, size)
        sector = self._flash.page
        start, end = address // sector * sector, -(-(address + size) // sector) * sector
        self._flash.erase(start, end - start)

    def _read_slow(self, data: bytes) -> Answer:
        address, size = words(data, 2)
        if size > SLOW_READ:
            raise Refused(Failure.MESSAGE)
        self._check(address, size)
        return 0, self._flash.read(address, size).ljust(SLOW_READ, b"\0")

    def _md5(self, data: bytes) -> Answer:
        """The ROM answers in hexadecimal digits."""
        return 0, self._digest(data).hex().encode()

    def _digest(self, data: bytes) -> bytes:
        address, size, _, _ = words(data, 4)
        self._check(address, size)
        return hashlib.md5(self._flash.read(address, size), usedforsecurity=False).digest()

    def _check(self, address: int, size: int) -> None:
        if address + size > self._flash.size:
            raise Refused(Failure.RESULT)


def _accepted(data: bytes, count: int) -> Answer:
    """For what has no effect here: only its size is looked at."""
    words(data, count)
    return DONE
