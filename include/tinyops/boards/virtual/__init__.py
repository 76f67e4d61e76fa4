"""Virtual boards: a bootloader on a pseudo-terminal, a flash model, and an emulated chip."""

from tinyops.boards.errors import BoardError
from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.edge2 import Edge2
from tinyops.boards.virtual.esp_eye import EspEye
from tinyops.boards.virtual.himax_we1 import HimaxWe1
from tinyops.boards.virtual.nano33ble import Nano33Ble

BOARDS: dict[str, type[VirtualBoard]] = {
    "himax-we1-plus": HimaxWe1,
    "nano33ble-sense": Nano33Ble,
    "sparkfun-edge2": Edge2,
    "esp-eye": EspEye,
}


def virtual_board_for(board: str) -> type[VirtualBoard]:
    """The virtual board of a kind; BoardError when there is none yet."""
    try:
        return BOARDS[board]
    except KeyError:
        raise BoardError(
            f"there is no virtual {board}", f"use one of: {', '.join(sorted(BOARDS))}"
        ) from None
