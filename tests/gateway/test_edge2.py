"""A real image on a virtual Edge 2, whose port resets it: flashed, attested, and attested again."""

from __future__ import annotations

from pathlib import Path

from gateway_bench import build_tiny

from tinyops.boards.catalogue import load_board
from tinyops.boards.flashing import flash
from tinyops.boards.virtual.edge2 import Edge2
from tinyops.gateway.attest import attest


def test_it_attests_what_was_flashed(tmp_path: Path) -> None:
    board, port = load_board("sparkfun-edge2"), str(tmp_path / "ttyVIRTUAL0")
    image = build_tiny(board.name, tmp_path / "image")
    with Edge2(Path(port), tmp_path / "state"):
        flash(port, image, board)
        for _ in range(2):
            sight = attest(port, board.protocol.baud, image, seconds=10)
            assert sight.hello.image.board == board.name
            assert sight.hello.golden == 4
