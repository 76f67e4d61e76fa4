"""Writing an image to a board: admission first, then the driver of the board's protocol."""

from __future__ import annotations

from tinyops.boards import samba
from tinyops.boards.admission import check
from tinyops.boards.catalogue import Board
from tinyops.boards.errors import BoardError
from tinyops.boards.flash_report import FlashReport, Progress
from tinyops.boards.image import Image


def flash(
    port: str, image: Image, board: Board, progress: Progress = lambda done, total: None
) -> FlashReport:
    """Write an image to the board at a port and start it.

    Parameters
    ----------
    port
        A serial device, or a symlink to one.
    progress
        Called with (bytes done, bytes in all).

    Raises
    ------
    ImageRefused
        The image is for another board or target, damaged, too large or misplaced; nothing was
        written.
    PortLost, BoardSilent, WrongAnswer
        The board cannot be reached or stops answering; the board keeps its bootloader.
    FlashFailed
        A page does not hold what was written.
    """
    check(port, image, board)
    if board.protocol.name == "samba-nano":
        return samba.flash(port, image, board, progress)
    raise BoardError(
        f"{board.name}: no driver for its protocol {board.protocol.name}",
        "use the board vendor's tool",
    )
