"""Which driver a board gets: the module named by its protocol, or an error that names it."""

from __future__ import annotations

import pytest

from tinyops.boards.catalogue import board_names, load_board
from tinyops.boards.errors import BoardError
from tinyops.boards.flashing import driver


@pytest.mark.parametrize("board", board_names())
def test_the_driver_is_the_module_of_the_protocol(board: str) -> None:
    found = load_board(board)
    name = driver(found).__name__.rpartition(".")[2]
    assert name == found.protocol.name.replace("-", "_")


@pytest.mark.parametrize("protocol", ["esptool-output", "svl-packet", "no-such"])
def test_without_a_driver_the_protocol_is_named(protocol: str) -> None:
    board = load_board("esp-eye")
    other = board.protocol.model_copy(update={"name": protocol})
    with pytest.raises(BoardError, match=f"no driver for its protocol {protocol}"):
        driver(board.model_copy(update={"protocol": other}))
