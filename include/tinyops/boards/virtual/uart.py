"""The host's end of an emulated UART: never blocks, and loses bytes when the chip reads none."""

from __future__ import annotations

import contextlib
from socket import socket

# A chip that hangs stops QEMU from reading. Beyond this, bytes are lost, as on a UART.
BUFFER = 256 * 1024


class Uart:
    """A socket with a bounded queue of what the chip has not taken yet."""

    def __init__(self, sock: socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self._out = bytearray()

    @property
    def pending(self) -> bool:
        """Whether bytes wait for the chip."""
        return bool(self._out)

    def send(self, data: bytes) -> None:
        """Queue and send."""
        self._out += data[: BUFFER - len(self._out)]
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the chip takes it."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while self._out:
                del self._out[: self.socket.send(self._out)]

    def receive(self) -> bytes:
        """What the chip has sent; empty when there is nothing."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            return self.socket.recv(65536)
        return b""
