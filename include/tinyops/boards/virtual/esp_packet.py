"""Requests and replies of Espressif's serial protocol, which the ESP32's ROM and its stub share.

espressif/esptool docs serial-protocol.rst: a request is `00 op size16 checksum32 data`, a reply
`01 op size16 value32 data status`, little-endian, each in a SLIP frame.
"""

from __future__ import annotations

import operator
import struct
from enum import Enum, auto
from functools import reduce

from tinyops.boards.virtual.slip import encode

REQUEST, REPLY = 0, 1
HEADER = struct.Struct("<BBHI")

FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA = 0x05, 0x06, 0x07
SYNC, WRITE_REG, READ_REG = 0x08, 0x09, 0x0A
SPI_SET_PARAMS, SPI_ATTACH, READ_FLASH_SLOW, CHANGE_BAUD = 0x0B, 0x0D, 0x0E, 0x0F
DEFL_BEGIN, DEFL_DATA, DEFL_END = 0x10, 0x11, 0x12
SPI_FLASH_MD5 = 0x13
# The stub's own.
ERASE_FLASH, ERASE_REGION, READ_FLASH, RUN_USER_CODE = 0xD0, 0xD1, 0xD2, 0xD3

SYNC_DATA = b"\x07\x07\x12\x20" + 32 * b"\x55"
CHECKSUM_SEED = 0xEF


class Failure(Enum):
    """Why a request is refused; ROM and stub have codes of their own for it."""

    MESSAGE = auto()
    RESULT = auto()
    CHECKSUM = auto()
    INFLATE = auto()
    TOO_MUCH = auto()
    NOT_ENOUGH = auto()
    NOT_BEGUN = auto()
    ADDRESS = auto()
    UNKNOWN = auto()


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def request(op: int, data: bytes, checksum: int = 0) -> bytes:
    """The frame of a request, as a host sends it."""
    return encode(HEADER.pack(REQUEST, op, len(data), checksum) + data)


def reply(op: int, value: int, data: bytes) -> bytes:
    """The frame of a reply; `data` ends with the status."""
    return encode(HEADER.pack(REPLY, op, len(data), value) + data)


def checksum(content: bytes) -> int:
    """EF, XOR all bytes: sent along with blocks of content only.

    >>> hex(checksum(bytes([0x0F])))
    '0xe0'
    """
    return reduce(operator.xor, content, CHECKSUM_SEED)


def words(data: bytes, count: int) -> tuple[int, ...]:
    """Exactly `count` 32-bit numbers; Refused for any other size."""
    if len(data) != 4 * count:
        raise Refused(Failure.MESSAGE)
    return struct.unpack(f"<{count}I", data)


def block(data: bytes, want: int) -> bytes:
    """The content of a block: its size, a sequence number (not looked at) and two zeros lead it.

    Raises
    ------
    Refused
        It has another size, or another checksum than `want`.
    """
    content = data[16:]
    if words(data[:16], 4)[0] != len(content):
        raise Refused(Failure.MESSAGE)
    if checksum(content) != want:
        raise Refused(Failure.CHECKSUM)
    return content
