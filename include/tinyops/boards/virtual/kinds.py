"""Virtual boards by kind of board: one of its own, or a generic Cortex-M4 board."""

from __future__ import annotations

from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import BoardError
from tinyops.boards.own_driver import own_driver_file
from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.edge2 import Edge2
from tinyops.boards.virtual.esp_eye import EspEye
from tinyops.boards.virtual.himax_we1 import HimaxWe1
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.boards.virtual.nano_bootloader import PAGE

BOARDS: dict[str, type[VirtualBoard]] = {
    "himax-we1-plus": HimaxWe1,
    "nano33ble-sense": Nano33Ble,
    "sparkfun-edge2": Edge2,
    "esp-eye": EspEye,
}


def virtual_board_for(name: str) -> type[VirtualBoard]:
    """The virtual board of a kind.

    A Cortex-M4 board that is a file in the catalogue and nothing more has the flash that the file
    gives it and, in place of a bootloader that nobody has described, that of the Nano 33 BLE;
    `flashing.driver` speaks to it. One with the protocol `svl` has SparkFun's.

    Raises
    ------
    BoardError
        There is none: the board is no Cortex-M4, its driver is the operator's own, or its
        application does not begin on a page of the bootloader.
    """
    if found := BOARDS.get(name):
        return found
    board = load_board(name)
    if reason := _without(board):
        raise BoardError(
            f"no virtual {name}: {reason}",
            f"use one of: {', '.join(sorted(BOARDS))}, or a real board",
        )
    if board.protocol.name == "svl":
        return _of(board, Edge2, board.flash.page_bytes)
    return _of(board, Nano33Ble, PAGE)


def _without(board: Board) -> str:
    if board.runtime.kind != "aot" or not board.targets:
        return f"it has no target for the emulator (runtime {board.runtime.kind})"
    protocol = board.protocol.name
    if file := own_driver_file(protocol.replace("-", "_")):
        return f"nobody but {file} knows the protocol of its bootloader"
    if protocol != "svl" and board.flash.app_offset % PAGE:
        return f"flash.app_offset is {board.flash.app_offset:#x}, expected a multiple of {PAGE:#x}"
    return ""


def _of(board: Board, kind: type[VirtualBoard], page: int) -> type[VirtualBoard]:
    end = board.flash.app_offset + board.flash.app_bytes
    sizes = {
        "FLASH_BYTES": -(-end // page) * page,
        "PAGE_BYTES": page,
        "APP": board.flash.app_offset,
        "__doc__": f"A virtual {board.title}: flash as its file has it, a bootloader of others.",
    }
    return type(f"Virtual_{board.name}", (kind,), sizes)
