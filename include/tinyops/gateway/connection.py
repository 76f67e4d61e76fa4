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
    identity
        Where the device is: a serial device, a symlink to one, or a USB serial number.
    baud
        Bits per second.
    """

    def __init__(self, identity: PortIdentity, baud: int) -> None:
        self._identity = identity
        self._baud = baud
        self._open: tuple[SerialPort, Link] | None = None

    @property
    def name(self) -> str:
        """What the device's port is called in the configuration."""
        return self._identity.name

    def path(self) -> str:
        """Where the device is now.

        Linux gives a USB port another name when the board comes back while the old one is still
        open, so a board that has been seen is looked for by its USB serial number too.

        Raises
        ------
        PortLost
            Nowhere.
        """
        given = self._identity.path
        found = given if given and Path(given).exists() else self._identity.current_path()
        if not found:
            raise PortLost(f"{self.name} is not there", "plug the board in and check its name")
        return found

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
            path = self.path()
            port = SerialPort(path, self._baud)
            seen = self._identity.usb_serial or identify(path).usb_serial
            self._identity = PortIdentity(self._identity.path, seen)
            # pyserial has dropped what had arrived; a new link takes no answer to an old request.
            self._open = port, Link(SerialStream(port))
        return self._open[1]
