"""A serial port with explicit timeouts, over pyserial: real ports and pseudo-terminals alike."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import termios
import time
from types import TracebackType
from typing import Any, Self

from tinyops.boards.errors import BoardSilent, PortLost
from tinyops.boards.link import LinkClosed
from tinyops.boards.port_users import claim, in_use, port_users
from tinyops.boards.pseudo_terminal import require_its_own


class ModemLines:
    """DTR and RTS where the port has them.

    A pseudo-terminal has none: setting a line after the port is open raises errno 25 or 22
    (pyserial 3.5 on Linux 6.18). The first such error sets `supported` to False, and from then on
    the lines are left alone.
    """

    def __init__(self, port: Any) -> None:
        self._port = port
        self.supported = True

    def set(self, *, dtr: bool | None = None, rts: bool | None = None) -> None:
        """Set the lines named; True asserts (electrically low)."""
        for name, level in (("dtr", dtr), ("rts", rts)):
            if level is None or not self.supported:
                continue
            try:
                setattr(self._port, name, level)
            except OSError as error:
                if error.errno not in (errno.ENOTTY, errno.EINVAL):
                    raise PortLost(f"{self._port.port}: {error}", "plug the board in") from None
                self.supported = False


class SerialPort:
    """One open port, held exclusively: see `boards.port_users`.

    Parameters
    ----------
    path
        A device such as /dev/ttyACM0, or a symlink to one.
    baud
        Bits per second; of no effect on USB ports, but the 1200 touch is made of it.

    Raises
    ------
    PortLost
        The port cannot be opened, another program has it open, or it vanishes while it is used.
    """

    def __init__(self, path: str, baud: int = 115200, write_timeout: float = 5.0) -> None:
        import serial

        require_its_own(path)
        self.path = path
        self._lost = (serial.SerialException, OSError, termios.error)
        self._write_timeout = write_timeout
        self._serial = serial.Serial()
        self._serial.port = path
        self._serial.baudrate = baud
        self._serial.exclusive = True
        self._serial.timeout = 0
        try:
            self._serial.open()
        except self._lost as error:
            busy = getattr(error, "errno", None) in (errno.EAGAIN, errno.EBUSY)
            if busy or "exclusively lock" in str(error):
                raise in_use(path, port_users(path, own=True)) from None
            raise PortLost(
                f"{path} cannot be opened: {error}",
                "plug the board in and check the port's name and your right to use it",
            ) from None
        try:
            claim(path, self._serial.fileno())
        except PortLost:
            self._serial.close()
            raise
        self.lines = ModemLines(self._serial)
        self._descriptor = int(self._serial.fileno())
        self._arrival = select.poll()
        self._arrival.register(self._descriptor, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def attached(self) -> bool:
        """Whether the port still leads to a device.

        An open port that was unplugged stays dead, also when the device comes back under the same
        name: Linux ends every request on it with EIO (seen on 6.18).
        """
        try:
            self._serial.in_waiting  # noqa: B018 - asks the kernel
        except self._lost:
            return False
        return True

    def close(self) -> None:
        """Close the port; harmless twice."""
        self._descriptor = -1  # the number may be another file's at once
        with contextlib.suppress(*self._lost):
            self._serial.close()

    def write(self, data: bytes) -> None:
        """Send all bytes, in order, or raise PortLost."""
        deadline = time.monotonic() + self._write_timeout
        left = memoryview(data)
        try:
            # Not by pyserial's write: it asks after each piece whether it may go on (3.5).
            while left := left[self._written(left) :]:
                patience = max(0.0, deadline - time.monotonic())
                if not select.select([], [self._serial], [], patience)[1]:
                    raise TimeoutError(errno.ETIMEDOUT, "it takes no bytes")
        except self._lost as error:
            raise self._gone(error) from None

    def _written(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0

    def flush(self) -> None:
        """Wait until the bytes written have left this host."""
        try:
            self._serial.flush()
        except self._lost as error:
            raise self._gone(error) from None

    def read(self, size: int, timeout: float) -> bytes:
        """One to `size` bytes as soon as there are any; empty after `timeout` seconds."""
        try:
            if self._descriptor < 0:
                raise OSError(errno.EBADF, "the port is closed")
            # Not by pyserial's timeout: each new one sets up the whole port again (3.5).
            if not self._arrival.poll(math.ceil(max(timeout, 0.0) * 1000)):
                return b""
            if data := os.read(self._descriptor, size):
                return data
            raise OSError(errno.EIO, "the port is ready to be read and has nothing")
        except BlockingIOError:
            return b""  # a readiness that came to nothing
        except self._lost as error:
            raise self._gone(error) from None

    def read_exactly(self, size: int, timeout: float) -> bytes:
        """Exactly `size` bytes; BoardSilent when they do not come within `timeout` seconds."""
        data = b""
        deadline = time.monotonic() + timeout
        while len(data) < size:
            left = deadline - time.monotonic()
            piece = self.read(size - len(data), left) if left > 0 else b""
            if not piece:
                raise BoardSilent(
                    f"{self.path}: {len(data)} of {size} bytes within {timeout:g} s: {data[:64]!r}",
                    "press RESET and try again",
                )
            data += piece
        return data

    def drain(self, quiet: float) -> bytes:
        """What has come in, read until the line is quiet for `quiet` seconds."""
        data = b""
        while piece := self.read(4096, quiet):
            data += piece
            if len(data) > 1 << 20:
                break
        return data

    def _gone(self, error: BaseException) -> PortLost:
        return PortLost(f"{self.path} vanished: {error}", "plug the board in again")


class SerialStream:
    """A serial port as the stream that `boards.link.Link` talks over."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port

    def send(self, data: bytes) -> None:
        """Send all of it; LinkClosed when the port is gone."""
        try:
            self._port.write(data)
        except PortLost as error:
            raise LinkClosed(error.message, error.fix) from None

    def receive(self, timeout: float) -> bytes:
        """What has arrived; b"" after `timeout` seconds; LinkClosed when the port is gone."""
        try:
            return self._port.read(4096, timeout)
        except PortLost as error:
            raise LinkClosed(error.message, error.fix) from None
