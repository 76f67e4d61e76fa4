"""What may be written to a board at a port: everything else is refused before the first byte."""

from __future__ import annotations

from pathlib import Path

from tinyops.boards.board import Board
from tinyops.boards.errors import ImageRefused, PortLost
from tinyops.boards.image import Image
from tinyops.boards.pseudo_terminal import is_pseudo_terminal, require_its_own

VIRTUAL = "-virtual"


def check(port: str, image: Image, board: Board) -> None:
    """Refuse what must not be written to this board at this port."""
    header = image.header
    name = f"the image of {header.project} {header.version}"
    if header.board != board.name:
        raise ImageRefused(
            f"{name} is for board {header.board!r}, not {board.name!r}",
            "give the image of this board",
        )
    targets = board.accepted_targets
    if targets and header.target not in targets:
        raise ImageRefused(
            f"{name} has target {header.target!r}; {board.name} takes {', '.join(targets)}",
            "build the image for this board",
        )
    if not Path(port).exists():
        # Not knowing what is there must not pass for knowing that it is the wrong board.
        raise PortLost(f"{port} is not there", "plug the board in and check the port's name")
    require_its_own(port)
    if header.target.endswith(VIRTUAL) != is_pseudo_terminal(port):
        wants, here = (
            ("a virtual", "real") if header.target.endswith(VIRTUAL) else ("a real", "virtual")
        )
        raise ImageRefused(
            f"{name} has target {header.target!r}, for {wants} board; {port} is a {here} one",
            "give the image that was built for this kind of board",
        )
    area = board.flash
    if image.offset != area.app_offset:
        raise ImageRefused(
            f"{name} goes to 0x{image.offset:x}; {board.name} starts at 0x{area.app_offset:x}",
            "link the image for this board",
        )
    if not image.bytes or len(image.bytes) > area.app_bytes:
        raise ImageRefused(
            f"{name} has {len(image.bytes)} bytes; {board.name} holds 1 to {area.app_bytes}",
            "make the model smaller",
        )
    if not image.intact:
        raise ImageRefused(f"{name} is damaged: its CRC is wrong", "fetch or build it again")
