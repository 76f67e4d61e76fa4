"""The open serial port of one device.

Opening a port pulls DTR, which resets a SparkFun Edge 2 and empties its counts. So the port is
opened when it is first needed and stays open over looks, frames and attestations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinyops.boards.errors import PortLost
from tinyops.boards.link import Link, LinkClosed
from tinyops.boards.transport import SerialPort, SerialStream
from tinyops.boards.usb import PortIdentity, identify


class Connection:
    """Used by the device's thread alone.

    Parameters
    ----------
    port
        A serial device, or a symlink to one.
    baud
        Bits per second.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._identity = PortIdentity(port)
        self._baud = baud
        self._open: tuple[SerialPort, Link] | None = None

    @property
    def path(self) -> str:
        """Where the device is now; where it was when it is nowhere.

        Linux gives a USB port another name when the board comes back while the old one is still
        open, so a board that has been seen is looked for by its USB serial number too.
        """
        given = self._identity.path
        if Path(given).exists():
            return given
        return self._identity.current_path() or given

    @contextmanager
    def link(self) -> Iterator[Link]:
        """The link to the device, over the open port. A lost port is closed and opened anew later.

        Raises
        ------
        PortLost
            The port is not there, is in use, or vanishes in the block.
        """
        try:
            yield self._opened()
        except (PortLost, LinkClosed) as error:
            self.close()
            raise PortLost(error.message, error.fix) from None

    def close(self) -> None:
        """Leave the port to others, such as a driver; harmless twice."""
        if self._open is not None:
            self._open[0].close()
            self._open = None

    def _opened(self) -> Link:
        if self._open is not None and not self._open[0].attached:
            self.close()
        if self._open is None:
            path = self.path
            port = SerialPort(path, self._baud)
            self._identity = PortIdentity(self._identity.path, identify(path).usb_serial)
            # pyserial has dropped what had arrived; a new link takes no answer to an old request.
            self._open = port, Link(SerialStream(port))
        return self._open[1]
