"""SLIP framing (RFC 1055): frames between END bytes, two bytes escaped.

espressif/esptool docs serial-protocol.rst: every request and reply begins and ends with C0.
"""

from __future__ import annotations

import re

END = b"\xc0"
ESCAPE = b"\xdb"
ESCAPED_END = b"\xdb\xdc"
ESCAPED_ESCAPE = b"\xdb\xdd"
_STRAY = re.compile(rb"\xdb(?![\xdc\xdd])")


def encode(payload: bytes) -> bytes:
    """One frame.

    >>> encode(bytes([1, 0xC0, 0xDB])).hex()
    'c001dbdcdbddc0'
    """
    body = payload.replace(ESCAPE, ESCAPED_ESCAPE).replace(END, ESCAPED_END)
    return END + body + END


class Decoder:
    """Finds frames in a stream; drops those with a stray escape or more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = b""
        self._overrun = False

    def feed(self, data: bytes) -> list[bytes]:
        """Payloads of the frames that `data` completes."""
        *whole, rest = data.split(END)
        found = []
        for piece in whole:
            body, self._open = self._open + piece, b""
            if body and not self._overrun and len(body) <= self._limit and not _STRAY.search(body):
                found.append(body.replace(ESCAPED_END, END).replace(ESCAPED_ESCAPE, ESCAPE))
            self._overrun = False
        self._open += rest
        if len(self._open) > self._limit:
            self._open, self._overrun = b"", True
        return found
