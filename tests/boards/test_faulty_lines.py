"""Every driver on a line that fails: its image is written or the error says what to do, in time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.boards.esp_eyes import Eye
from tests.support.boards.himax_boards import Board as HimaxBoard
from tests.support.boards.himax_boards import Finger
from tests.support.boards.virtual_boards import eventually, idle_image
from tinyops.boards.catalogue import load_board
from tinyops.boards.drivers import esptool, himax_xmodem, samba_nano, svl
from tinyops.boards.errors import BoardSilent, FlashFailed, WrongAnswer
from tinyops.boards.flashing import flash
from tinyops.boards.image import Image
from tinyops.boards.virtual.board import VirtualBoard
from tinyops.boards.virtual.edge2 import Edge2
from tinyops.boards.virtual.faults import Faults
from tinyops.boards.virtual.nano33ble import Nano33Ble

pytestmark = pytest.mark.slow

BOARDS: dict[str, type[VirtualBoard]] = {
    "himax-we1-plus": HimaxBoard,
    "nano33ble-sense": Nano33Ble,
    "sparkfun-edge2": Edge2,
    "esp-eye": Eye,
}
# A late piece waits longer than most answers take; a storm of 1000 bytes spoils seven blocks.
PASSING = {
    "late": Faults(delay=2e-4, delay_seconds=0.2, seed=3),
    "storm": Faults(storm_after=9000, storm_bytes=1000),
}
CLEAR = (BoardSilent, FlashFailed, WrongAnswer)


def flashed(virtual: VirtualBoard, what: Image, finger: Finger | None = None) -> None:
    ask = finger or Finger(virtual)
    flash(str(virtual.port), what, load_board(what.header.board), ask=ask)


def content(virtual: VirtualBoard, what: Image) -> bytes:
    return virtual.flash.read(what.offset, len(what.bytes))


@pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("name", BOARDS)
def test_what_passes_is_outlasted(tmp_path: Path, name: str, faults: Faults) -> None:
    what = idle_image(20_000, board=name)
    with BOARDS[name](tmp_path / "tty", tmp_path / "state", faults=faults) as virtual:
        flashed(virtual, what)
        assert content(virtual, what) == what.bytes
        assert eventually(lambda: virtual.mode == "application")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer and shorter tries; what is done between them is the same."""
    monkeypatch.setattr(esptool, "CONNECT_ATTEMPTS", 1)
    monkeypatch.setattr(himax_xmodem, "RESET_WAIT", 2.0)
    monkeypatch.setattr(himax_xmodem, "BLOCK_TRIES", 2)
    monkeypatch.setattr(himax_xmodem, "TRANSFERS", 2)
    monkeypatch.setattr(samba_nano, "ENTER_TIMEOUT", 1.5)
    monkeypatch.setattr(svl, "SESSIONS", 2)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("name", BOARDS)
def test_a_long_storm_ends_with_what_to_do_and_the_next_flash_works(
    tmp_path: Path, name: str
) -> None:
    what, faults = idle_image(20_000, board=name), Faults(storm_after=2000, storm_bytes=1_000_000)
    with BOARDS[name](tmp_path / "tty", tmp_path / "state", faults=faults) as virtual:
        with pytest.raises(CLEAR) as caught:
            flashed(virtual, what)
        assert caught.value.fix
        virtual.arm(Faults())
        flashed(virtual, what)
        assert content(virtual, what) == what.bytes


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("name", BOARDS)
def test_a_dead_bootloader_is_given_up_and_keeps_the_application(tmp_path: Path, name: str) -> None:
    old, new = (idle_image(20_000, seed=seed, board=name) for seed in (1, 2))
    with BOARDS[name](tmp_path / "tty", tmp_path / "state") as virtual:
        flashed(virtual, old)
        virtual.arm(Faults(dead=True))
        finger = Finger(virtual)
        with pytest.raises(CLEAR) as caught:
            flashed(virtual, new, finger)
        assert re.search("RESET|RST", caught.value.fix)
        # A touch enters the bootloader of the Nano: a person is of use only once that has failed.
        assert len(finger.asked) == (name != "nano33ble-sense")
        assert content(virtual, old) == old.bytes
