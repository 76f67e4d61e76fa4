"""What the gateway does to a board: write an image, have it attest, see what it runs."""

from __future__ import annotations

from collections.abc import Callable

from tinyops.boards import flashing
from tinyops.boards.admission import check
from tinyops.boards.board import Board
from tinyops.boards.errors import PortLost
from tinyops.boards.flash_report import Ask, FlashReport
from tinyops.boards.image import Image
from tinyops.boards.port_users import port_users
from tinyops.errors import TinyOpsError
from tinyops.gateway.attest import ASK, Sight, attest, differs, look
from tinyops.gateway.connection import Connection
from tinyops.gateway.errors import StrangeBoard, Unresponsive
from tinyops.gateway.shutdown import FlashPace, Shutdown
from tinyops.gateway.tally import Tally


class AttachedBoard:
    """One device's board at its port. Used by the device's thread alone.

    Parameters
    ----------
    reset
        Presses RESET and says whether it could; else a person is asked.
    """

    def __init__(
        self,
        board: Board,
        connection: Connection,
        attest_seconds: float,
        shutdown: Shutdown,
        reset: Callable[[], bool] = lambda: False,
    ) -> None:
        self.action = ""
        """What a person has to do before a flash goes on; stays while it is tried again."""
        self.written = False
        """Return True if the newest flash, finished or not, has written anything."""
        self.tally = Tally()
        self._board = board
        self._connection = connection
        self._attest_seconds = attest_seconds
        self._shutdown = shutdown
        self._reset = reset
        self._was_reset = False

    def admit(self, image: Image) -> None:
        """Refuse an image that is not for this board; see `boards.admission.check`."""
        check(self._connection.path(), image, self._board)

    def flash(self, image: Image, ask: Ask) -> FlashReport:
        """Write an image; see `boards.flashing.flash`. The port is the driver's meanwhile.

        Raises
        ------
        StrangeBoard
            It is not the board that the device is bound to. Nothing was written.
        Stopped
            The gateway shall end, and the flash would take too long or waits for a person.
        """
        pace, reached = FlashPace(self._shutdown), 0
        self.written = False

        def moved(done: int, total: int) -> None:
            nonlocal reached
            if done != reached:
                reached, self.action = done, ""
                self.written = self.written or done > 0
            pace(0 if self.action else done, total)

        def asked(what: str) -> None:
            if not self._reset():
                self.action = what
                ask(what)

        self._refuse_strangers()
        self._connection.close()
        with self.tally.flashes.counted():
            path = self._connection.path()
            report = flashing.flash(path, image, self._board, moved, asked)
        self.tally.bytes += report.bytes
        self.tally.retries += report.retries
        self.action = ""
        return report

    def attest(self, image: Image) -> Sight:
        """Have the board show that it runs an image; see `gateway.attest.attest`.

        Raises
        ------
        Stopped
            The gateway shall end and the board has not shown it yet.
        """
        with self.tally.attestations.counted():
            sight = attest(self._connection, image, self._attest_seconds, self._shutdown.pause)
        self._was_reset = False
        self._connection.bind(sight.hello)
        return sight

    def reset_once(self) -> bool:
        """Reset a board that does not answer in place of a person; True if that was done now.

        Once until it attests again: what a reset does not cure needs a person.
        """
        if self._was_reset:
            return False
        self._was_reset = self._reset()
        return self._was_reset

    def runs(self, image: Image) -> bool:
        """Whether the board says that it runs this image. PortLost when there is no port."""
        try:
            return not differs(look(self._connection).hello, image)
        except (PortLost, StrangeBoard):
            raise
        except TinyOpsError:
            return False

    def help_wanted(self, error: Unresponsive) -> str:
        """Message to a person about a board that does not answer; names who else has its port."""
        try:
            others = port_users(self._connection.path())
        except PortLost:
            others = []
        also = f" The port is also open in {', '.join(others)}." if others else ""
        return (
            f"No valid answer from the {self._board.title} at {self._connection.name}: "
            f"{error.message}.{also} Check cable, power and sensor, then press RESET."
        )

    def _refuse_strangers(self) -> None:
        if not self._connection.enrolled.chip_id:
            return
        # A board that waits in its bootloader says nothing: its number is asked for afterwards.
        try:
            with self._connection.link() as link:
                self._connection.recognise(link.hello(ASK, attempts=2))
        except StrangeBoard:
            raise
        except TinyOpsError:
            return

    def leave(self) -> None:
        """Close the port."""
        self._connection.close()
