"""The board's end of a serial port: the master of a pseudo-terminal, behind a symlink.

Seen on Linux 6.18 with pyserial 3.5: the master reads the host's speed with tcgetattr, and a read
ends in EIO while no host has the port open, which stands for "DTR dropped".
"""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import select
import termios
import tty
from pathlib import Path

_SPEED = 5  # index of the output speed in tcgetattr's list
_BAUDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name.startswith("B") and name[1:].isdecimal()
}
# A host that reads too slowly loses bytes, as on a UART without flow control.
BUFFER = 64 * 1024


class PtyLine:
    """Non-blocking; made and removed together with its link."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master, slave = pty.openpty()
        try:
            # Once and for the pair: otherwise the line discipline echoes and turns CR into NL.
            tty.setraw(slave)
            os.set_blocking(self._master, False)
            name = os.ttyname(slave)
        finally:
            os.close(slave)
        self._out = bytearray()
        link.parent.mkdir(parents=True, exist_ok=True)
        part = link.with_name(f".{link.name}.{os.getpid()}")
        part.unlink(missing_ok=True)
        part.symlink_to(name)
        part.replace(link)
        self._name = name

    def fileno(self) -> int:
        """For poll(); while no host is there it is always ready, so ask `open` first."""
        return self._master

    @property
    def open(self) -> bool:
        """Whether a host has the port open."""
        poll = select.poll()
        poll.register(self._master, 0)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    @property
    def baud(self) -> int:
        """The host's speed now, in bits per second; 0 when it is none that termios names."""
        return _BAUDS.get(termios.tcgetattr(self._master)[_SPEED], 0)

    @property
    def touched(self) -> bool:
        """Whether the host's last speed was 1200 baud. See `forget_speed`."""
        return self.baud == 1200

    def forget_speed(self) -> None:
        """Take the port back to another speed, so that the next touch can be told apart."""
        attributes = termios.tcgetattr(self._master)
        attributes[4] = attributes[_SPEED] = termios.B115200
        termios.tcsetattr(self._master, termios.TCSANOW, attributes)

    @property
    def pending(self) -> bool:
        """Whether bytes wait for the host."""
        return bool(self._out)

    def read(self) -> bytes:
        """What the host has sent; empty when there is nothing or nobody."""
        try:
            return os.read(self._master, 65536)
        except OSError as error:
            if error.errno in (errno.EIO, errno.EAGAIN):
                return b""
            raise

    def write(self, data: bytes) -> None:
        """Send to the host; with no host there the bytes are lost, as on a wire."""
        if not self.open:
            self._out.clear()
            return
        self._out += data[: BUFFER - len(self._out)]
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the host takes it."""
        try:
            while self._out:
                sent = os.write(self._master, self._out)
                del self._out[:sent]
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._out.clear()

    def close(self) -> None:
        """Unplug: the host's reads and writes fail from now on, and the link is gone."""
        with contextlib.suppress(OSError):
            if self.link.readlink() == Path(self._name):
                self.link.unlink()
        os.close(self._master)
