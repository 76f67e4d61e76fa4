"""Virtual boards: a bootloader on a pseudo-terminal, a flash model, and an emulated chip."""

from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.kinds import BOARDS, virtual_board_for

__all__ = ["BOARDS", "VirtualBoard", "virtual_board_for"]
