"""Frames of the link: COBS, CRC-16 and a decoder that survives noise.

The one definition is firmware/link/link.h; tests hold this file to it.
"""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass

MAX_BODY = 1024
MAX_PAYLOAD = MAX_BODY + 2
_MAX_ENCODED = MAX_PAYLOAD + 2 + (MAX_PAYLOAD + 2) // 254 + 1


@dataclass(frozen=True)
class Frame:
    """One checked frame; `type` and `sequence` are bytes, `body` has at most 1024."""

    type: int
    sequence: int
    body: bytes = b""


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM (poly 0x1021, init 0): 0x31C3 for b"123456789"."""
    return binascii.crc_hqx(data, 0)


def encode(frame: Frame) -> bytes:
    """The bytes of a frame on the line, delimiter included.

    Raises
    ------
    ValueError
        The body is longer than 1024 bytes.
    """
    if len(frame.body) > MAX_BODY:
        raise ValueError(f"body of {len(frame.body)} bytes, a frame carries {MAX_BODY}")
    payload = bytes((frame.type, frame.sequence)) + frame.body
    return _stuff(payload + struct.pack("<H", crc16(payload))) + b"\0"


class Decoder:
    """Bytes in any pieces to frames; what is unreadable is counted in `bad` and dropped."""

    def __init__(self) -> None:
        self.bad = 0
        self._buffer = bytearray()
        self._overflow = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by these bytes."""
        *ended, tail = data.split(b"\0")
        frames = []
        for piece in ended:
            self._take(piece)
            frame = self._finish()
            if frame is not None:
                frames.append(frame)
        self._take(tail)
        return frames

    def _take(self, piece: bytes) -> None:
        room = _MAX_ENCODED - len(self._buffer)
        self._overflow |= len(piece) > room
        self._buffer += piece[:room]

    def _finish(self) -> Frame | None:
        stuffed, overflow = bytes(self._buffer), self._overflow
        self._buffer.clear()
        self._overflow = False
        if not stuffed:
            return None  # a lone delimiter only brings both ends into step
        data = None if overflow else _unstuff(stuffed)
        if (
            data is None
            or not 4 <= len(data) <= MAX_PAYLOAD + 2
            or crc16(data[:-2]) != (data[-2] | data[-1] << 8)
        ):
            self.bad += 1
            return None
        return Frame(data[0], data[1], data[2:-2])


def _stuff(data: bytes) -> bytes:
    # Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999).
    out = bytearray()
    for block in data.split(b"\0"):
        while len(block) >= 254:
            out += b"\xff" + block[:254]
            block = block[254:]
        out += bytes((len(block) + 1,)) + block
    return bytes(out)


def _unstuff(stuffed: bytes) -> bytes | None:
    out = bytearray()
    at = 0
    while at < len(stuffed):
        code = stuffed[at]
        block = stuffed[at + 1 : at + code]
        if len(block) != code - 1:
            return None
        out += block
        at += code
        if code != 0xFF and at < len(stuffed):
            out.append(0)
    return bytes(out)
