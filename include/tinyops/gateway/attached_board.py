"""What the gateway does to a board: write an image, have it attest, see what it runs."""

from __future__ import annotations

from tinyops.boards import flashing
from tinyops.boards.admission import check
from tinyops.boards.catalogue import Board
from tinyops.boards.errors import PortLost
from tinyops.boards.flash_report import FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.errors import TinyOpsError
from tinyops.gateway.attest import Sight, attest, differs, look
from tinyops.gateway.connection import Connection


class AttachedBoard:
    """One device's board at its port. Used by the device's thread alone."""

    def __init__(self, board: Board, connection: Connection, attest_seconds: float) -> None:
        self._board = board
        self._connection = connection
        self._attest_seconds = attest_seconds

    def admit(self, image: Image) -> None:
        """Refuse an image that is not for this board; see `boards.admission.check`."""
        check(self._connection.path, image, self._board)

    def flash(self, image: Image, progress: Progress) -> FlashReport:
        """Write an image; see `boards.flashing.flash`. The port is the driver's meanwhile."""
        self._connection.close()
        return flashing.flash(self._connection.path, image, self._board, progress)

    def attest(self, image: Image) -> Sight:
        """Have the board show that it runs an image; see `gateway.attest.attest`."""
        return attest(self._connection, image, self._attest_seconds)

    def runs(self, image: Image) -> bool:
        """Whether the board says that it runs this image. PortLost when there is no port."""
        try:
            return not differs(look(self._connection).hello, image)
        except PortLost:
            raise
        except TinyOpsError:
            return False

    def leave(self) -> None:
        """Close the port."""
        self._connection.close()
