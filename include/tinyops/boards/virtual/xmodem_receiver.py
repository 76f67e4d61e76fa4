"""The receiving end of XMODEM with CRC: blocks of 128 bytes, answered one by one.

Source: Forsberg, "XMODEM/YMODEM Protocol Reference" (1988), chapters 7 and 8. Blocks of 1024 bytes
(STX) are not taken.
"""

from __future__ import annotations

import binascii
import time
from collections.abc import Callable

SOH, EOT, ACK, NAK, CAN, START = b"\x01", b"\x04", b"\x06", b"\x15", b"\x18", b"C"
BLOCK = 128
PACKET = 3 + BLOCK + 2
WAIT = 1.0
"""Seconds without a byte before the sender is asked again."""
QUIET = 0.1
"""After a damaged block: seconds without a byte before it is asked for again."""
STARTS = 60
"""How often a sender is called before the first block."""
TRIES = 10
"""How often a block is asked for again."""


class XmodemReceiver:
    """Fed with the sender's bytes; answers through `send`. It calls the sender at once.

    Parameters
    ----------
    send
        Called with each answer.
    store
        Called with where in the file a new block goes, and its 128 bytes; False refuses it and
        cancels the transfer.
    end
        Called once, with the size of the file or None when it has not come whole. Nothing may be
        fed or ticked afterwards.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        store: Callable[[int, bytes], bool],
        end: Callable[[int | None], None],
    ) -> None:
        self._send = send
        self._store = store
        self._end = end
        self._received = 0
        self._ended = False
        self._purging = False
        self._asked = 0
        self._number = 1
        self._input = bytearray()
        self._due = 0.0
        self._ask(time.monotonic())

    def next_due(self) -> float:
        """The end of the wait that it is in; it always is in one."""
        return self._due

    def tick(self, now: float) -> None:
        """A wait is over: ask for what has not come whole."""
        self._ask(now)

    def feed(self, data: bytes) -> None:
        """Take bytes in any pieces. What follows the end of the file is dropped."""
        now = time.monotonic()
        self._due = now + (QUIET if self._purging else WAIT)
        if self._purging:
            return
        self._input += data
        while self._input and self._taken(now):
            pass

    def _taken(self, now: float) -> bool:
        """Whether there is more to look at."""
        head = self._input[:1]
        if head == SOH and len(self._input) >= PACKET:
            packet = bytes(self._input[:PACKET])
            del self._input[:PACKET]
            self._take(packet, now)
        elif head == EOT:
            self._send(ACK)
            self._finish(True)
        elif self._input[:2] == CAN + CAN:
            self._finish(False)
        elif head == SOH or self._input == CAN:
            return False
        elif self._received:
            self._purge(now)
        else:
            del self._input[0]  # keys that were pressed before the sender was there
        return not (self._ended or self._purging)

    def _take(self, packet: bytes, now: float) -> None:
        number, complement, data = packet[1], packet[2], packet[3 : 3 + BLOCK]
        if number ^ complement != 0xFF or binascii.crc_hqx(packet[3:], 0):
            self._purge(now)
        elif number == self._number and self._store(self._received, data):
            self._received += BLOCK
            self._number = (number + 1) % 256
            self._asked = 0
            self._send(ACK)
        elif self._received and number == (self._number - 1) % 256:
            self._send(ACK)  # the sender has missed the first one
        else:
            self._cancel()

    def _purge(self, now: float) -> None:
        self._purging = True
        self._due = now + QUIET

    def _ask(self, now: float) -> None:
        self._purging = False
        self._input.clear()
        self._asked += 1
        if self._asked > (TRIES if self._received else STARTS):
            self._cancel()
            return
        self._send(NAK if self._received else START)
        self._due = now + WAIT

    def _cancel(self) -> None:
        self._send(CAN + CAN)
        self._finish(False)

    def _finish(self, whole: bool) -> None:
        self._ended = True
        self._end(self._received if whole else None)
