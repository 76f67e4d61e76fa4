"""A look at each kind of bootloader: it says what it is, and the flash and application stay."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.boards.virtual_boards import eventually, idle_image
from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import PortLost
from tinyops.boards.flashing import flash, probe
from tinyops.boards.virtual import BOARDS

SAID = {
    "nano33ble-sense": "Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ], nRF52840-QIAA",
    "sparkfun-edge2": "SVL 6",
    "esp-eye": "ESP32-D0WD (revision v0.0), flash 4MB",
    "himax-we1-plus": "Himax WEI Boot loader 1.4.4",
}


@pytest.mark.parametrize("name", BOARDS)
def test_the_bootloader_is_read_and_nothing_written(name: str, tmp_path: Path) -> None:
    board, port = load_board(name), str(tmp_path / "tty")
    image = idle_image(20_000, board=name)
    with BOARDS[name](Path(port), tmp_path / "state") as virtual:
        flash(port, image, board, ask=lambda what: virtual.press_reset())
        assert eventually(lambda: virtual.mode == "application")
        before = virtual.flash.read(0, virtual.FLASH_BYTES)
        assert probe(port, board, ask=lambda what: virtual.press_reset()) == SAID[name]
        assert eventually(lambda: virtual.mode == "application")
        assert virtual.flash.read(0, virtual.FLASH_BYTES) == before


def test_without_a_port_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PortLost, match="is not there"):
        probe(str(tmp_path / "tty"), load_board("esp-eye"))


def test_the_command_prints_it(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    command = [sys.executable, "-m", "tinyops.cli.main", "probe", "--json"]
    command += ["--board", "sparkfun-edge2", "--port", str(port)]
    with BOARDS["sparkfun-edge2"](port, tmp_path / "state"):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["bootloader"] == "SVL 6"
