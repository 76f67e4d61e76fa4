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
from tinyops.boards.messages import Hello
from tinyops.boards.transport import SerialPort, SerialStream
from tinyops.boards.usb import PortIdentity, identify
from tinyops.gateway.enrolment import BoardIdentity, Enrolment
from tinyops.gateway.errors import StrangeBoard


class Connection:
    """Used by the device's thread alone.

    Parameters
    ----------
    identity
        Where the device is: a serial device, a symlink to one, or a USB serial number.
    baud
        Bits per second.
    enrolment
        Which board it is; without one any board will do.
    """

    def __init__(
        self, identity: PortIdentity, baud: int, enrolment: Enrolment | None = None
    ) -> None:
        self._given = identity
        self._baud = baud
        self._enrolment = enrolment
        self._bound = ""  # USB serial number of the enrolment, when it was last read
        self._seen = ""  # that of the port when it was opened
        self._open: tuple[SerialPort, Link] | None = None

    @property
    def name(self) -> str:
        """What the device's port is called in the configuration."""
        return self._given.name

    def path(self) -> str:
        """Where the device is now.

        Linux gives a USB port another name when the board comes back while the old one is still
        open, and gives the free name to the next board. So a board whose USB serial number is known
        is found by it alone.

        Raises
        ------
        PortLost
            Nowhere.
        """
        identity = self._identity()
        found = identity.current_path()
        if found:
            return found
        if identity.path and Path(identity.path).exists():
            raise PortLost(
                f"{identity.path} is another USB device now, expected the one with serial number "
                f"{identity.usb_serial}",
                f"Plug the board in again. {self._replaced()}",
            )
        raise PortLost(f"{self.name} is not there", "plug the board in and check its name")

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

    def recognise(self, hello: Hello) -> None:
        """Refuse a board that is not the enrolled one.

        Raises
        ------
        StrangeBoard
            HELLO has another chip's number.
        """
        bound = self._enrolment.identity.chip_id if self._enrolment else ""
        if bound and hello.chip_id and hello.chip_id != bound:
            raise StrangeBoard(
                f"the board at {self.name} has chip {hello.chip_id}, expected {bound}",
                f"Plug in the right board. {self._replaced()}",
            )

    def bind(self, hello: Hello) -> None:
        """Enrol the board that has just shown what it runs, if none is enrolled yet."""
        if self._enrolment:
            self._enrolment.bind(BoardIdentity(hello.chip_id, self._seen))

    @property
    def enrolled(self) -> BoardIdentity:
        """Numbers of the board that the device is bound to."""
        return self._enrolment.identity if self._enrolment else BoardIdentity()

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
            self._seen = identify(path).usb_serial
            # pyserial has dropped what had arrived; a new link takes no answer to an old request.
            self._open = port, Link(SerialStream(port))
        return self._open[1]

    def _identity(self) -> PortIdentity:
        """Where the board is, by what the configuration, the enrolment and the port say."""
        bound = self.enrolled.usb_serial
        if self._bound and not bound:
            self._seen = ""  # enrolled anew
        self._bound = bound
        number = self._given.usb_serial or bound or self._seen
        return PortIdentity(self._given.path, number)

    def _replaced(self) -> str:
        device = self._enrolment.device if self._enrolment else "DEVICE"
        return f"If you have replaced it, run `tinyops gateway enrol {device} --config FILE`."
