"""Writing an image to a board: admission first, then the driver of the board's protocol."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from tinyops.boards import drivers
from tinyops.boards.admission import check
from tinyops.boards.board import Board
from tinyops.boards.errors import BoardError, PortLost
from tinyops.boards.flash_report import Ask, FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.boards.own_driver import load_driver, own_driver_file
from tinyops.boards.pseudo_terminal import is_pseudo_terminal, require_its_own

GENERIC = "samba_nano"
"""Driver of virtual boards whose own bootloader nobody has described."""


def flash(
    port: str,
    image: Image,
    board: Board,
    progress: Progress = lambda done, total: None,
    ask: Ask = lambda what: None,
) -> FlashReport:
    """Write an image to the board at a port and start it.

    Parameters
    ----------
    port
        A serial device, or a symlink to one.
    progress
        Called with (bytes done, bytes in all).
    ask
        Called with what a person has to do now, such as pressing RESET; the driver waits for it.

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
    report: FlashReport = driver(board, port).flash(port, image, board, progress, ask)
    return report


def probe(port: str, board: Board, ask: Ask = lambda what: None) -> str:
    """What the bootloader of the board at a port says of itself.

    Nothing is written. The application is left for the bootloader and started again.

    Raises
    ------
    PortLost, BoardSilent, WrongAnswer
        The board cannot be reached, or is another one.
    BoardError
        The board's driver cannot do this.
    """
    look = getattr(driver(board, port), "probe", None)
    if look is None:
        raise BoardError(f"the driver {board.protocol.name} has no probe", "see docs/new-board.md")
    if not Path(port).exists():
        raise PortLost(f"{port} is not there", "plug the board in and check the port's name")
    require_its_own(port)
    said: str = look(port, board, ask)
    return said


def driver(board: Board, port: str = "") -> ModuleType:
    """The module that speaks the board's protocol: in `boards.drivers`, or the operator's own.

    Where there is neither and the port is a pseudo-terminal, it is that of the generic virtual
    board (`boards.virtual.kinds`).

    Raises
    ------
    BoardError
        There is none or there are two, or the operator's cannot be loaded or has no `flash`.
    """
    name = board.protocol.name.replace("-", "_")
    own = own_driver_file(name)
    if name in {module.name for module in pkgutil.iter_modules(drivers.__path__)}:
        module = importlib.import_module(f"{drivers.__name__}.{name}")
        if own is not None:
            raise BoardError(
                f"two drivers of protocol {board.protocol.name}: {own} and {module.__name__}",
                "give yours another name, and the board's protocol too",
            )
        if hasattr(module, "flash"):  # packets of a protocol are beside its driver
            return module
    elif own is not None:
        return load_driver(own)
    elif is_pseudo_terminal(port):
        return importlib.import_module(f"{drivers.__name__}.{GENERIC}")
    raise BoardError(
        f"{board.name}: no driver for its protocol {board.protocol.name}",
        "write one (docs/new-board.md), or use the board vendor's tool",
    )
