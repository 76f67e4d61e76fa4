"""Packets of SparkFun's variable loader, SVL version 6, in both directions.

Length (u16 BE, of what follows) | command | payload | CRC-16 (BE) over command and payload.
Source: sparkfun/Apollo3_Uploader_SVL, svl.py and bootloader/src/svl_packet.c.
"""

from __future__ import annotations

import struct

VERSION, BOOTLOAD, NEXT, FRAME, RETRY, DONE = range(1, 7)
FRAME_BYTES = 2048
"""Payload of a FRAME, at most; always a multiple of 4, or the board asks for it again for ever."""
AUTOBAUD = b"U"
BAUDS = (57600, 115200, 230400, 460800, 921600)
"""What the bootloader can tell apart."""
LARGEST = 1 + FRAME_BYTES + 2
_LENGTH = struct.Struct(">H")


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ (0x8005 if crc & 0x8000 else 0)
        found.append(crc & 0xFFFF)
    return tuple(found)


_TABLE = _table()


def crc16(data: bytes) -> int:
    """CRC-16/UMTS: polynomial 0x8005, start 0, most significant bit first."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _TABLE[crc >> 8 ^ byte]
    return crc


def packet(command: int, payload: bytes = b"") -> bytes:
    """The bytes on the wire."""
    body = bytes((command,)) + payload
    return _LENGTH.pack(len(body) + 2) + body + crc16(body).to_bytes(2, "big")


class Unpacker:
    """Finds packets in a stream of bytes that begins with one."""

    def __init__(self) -> None:
        self._input = bytearray()

    def __bool__(self) -> bool:
        """Whether a piece of a packet waits for the rest."""
        return bool(self._input)

    def clear(self) -> None:
        """Forget what has come so far."""
        self._input.clear()

    def feed(self, data: bytes) -> None:
        """Take bytes, in any pieces."""
        self._input += data

    def next(self) -> tuple[int, bytes] | None:
        """(command, payload) of the next whole packet; None while it is not all there.

        Raises
        ------
        ValueError
            It has an impossible length or a wrong CRC: what follows cannot be told apart.
        """
        if len(self._input) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._input)
        if not 3 <= length <= LARGEST:
            raise ValueError(f"a packet of {length} bytes")
        if len(self._input) < _LENGTH.size + length:
            return None
        body = bytes(self._input[_LENGTH.size : _LENGTH.size + length])
        del self._input[: _LENGTH.size + length]
        if crc16(body):
            raise ValueError(f"a packet whose CRC is wrong: {body[:16].hex()}")
        return body[0], body[1:-2]
