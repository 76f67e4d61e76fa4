"""The virtual board of a Cortex-M4 board that is a file in the catalogue and nothing more."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.boards.virtual_boards import eventually
from tests.support.chip import request
from tinyops.boards import catalogue
from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import BoardError
from tinyops.boards.flashing import driver, flash, probe
from tinyops.boards.link import Link
from tinyops.boards.transport import SerialPort, SerialStream
from tinyops.boards.virtual import virtual_board_for
from tinyops.conversion.images.image import build_image
from tinyops.local.edge import missing_virtual_board

pytestmark = pytest.mark.slow

NANO = yaml.safe_load((catalogue.FOLDER / "nano33ble-sense.yaml").read_text())
OWN = Path(__file__).with_name("own")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("TINYOPS_BOARDS", str(folder))
    return folder


def added(own: Path, name: str, protocol: str, **flash: int) -> Board:
    """A board by its file alone: the Nano's chip with another bootloader and other flash."""
    content: dict[str, Any] = NANO | {
        "name": name,
        "targets": [f"{name}-qemu-virtual"],
        "flash": NANO["flash"] | flash,
        "protocol": NANO["protocol"] | {"name": protocol, "reset": "dtr"},
        "usb": [],
        "arduino": None,
    }
    (own / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return load_board(name)


@pytest.mark.parametrize(
    ("protocol", "flash_section"),
    [
        ("uf2", {"app_offset": 0x27000, "app_bytes": 0xED000 - 0x27000}),
        ("stlink", {"app_offset": 0x8000, "app_bytes": 0xF8000, "page_bytes": 2048}),
        ("samba-nano", {"app_bytes": 0x70000}),
        ("svl", {"app_offset": 0xC000, "app_bytes": 0xE4000, "page_bytes": 8192}),
    ],
)
def test_it_is_flashed_and_runs_what_was_flashed(
    own: Path, tmp_path: Path, protocol: str, flash_section: dict[str, int]
) -> None:
    base = {"base_address": 0x08000000} if protocol == "stlink" else {}
    board = added(own, "my-board", protocol, **flash_section, **base)
    image = build_image(request(board=board.name), tmp_path / "made").image
    port = tmp_path / "ttyVIRTUAL0"
    with virtual_board_for(board.name)(port, tmp_path / "state") as virtual:
        assert flash(str(port), image, board).bytes == len(image.bytes)
        assert virtual.flash.read(virtual.APP, len(image.bytes)) == image.bytes
        assert eventually(lambda: virtual.mode == "application")
        with SerialPort(str(port)) as line:
            link = Link(SerialStream(line))
            hello = link.hello(timeout=2.0, attempts=5)
            assert hello.image == image.header
            assert hello.boot_ok
            assert link.selftest(1).passed == hello.golden
        assert probe(str(port), board)


def test_a_real_port_needs_the_boards_own_driver(own: Path) -> None:
    with pytest.raises(BoardError, match="my-board: no driver for its protocol uf2") as refused:
        driver(added(own, "my-board", "uf2"), "/dev/ttyACM0")
    assert "docs/new-board.md" in refused.value.fix


def test_who_has_no_virtual_board_is_told_why(own: Path) -> None:
    assert missing_virtual_board("esp-eye") == ""
    added(own, "of-pages", "uf2", app_offset=0x10800, app_bytes=0x10000, page_bytes=2048)
    assert "flash.app_offset is 0x10800, expected a multiple of 0x1000" in missing_virtual_board(
        "of-pages"
    )
    for file in OWN.glob("bench*"):
        shutil.copy(file, own)
    assert "bench_loader.py knows the protocol" in missing_virtual_board("bench-m4")
    added(own, "bare", "uf2")
    (own / "bare.yaml").write_text(
        (own / "bare.yaml")
        .read_text()
        .replace("- bare-qemu-virtual", "")
        .replace("targets:", "targets: []")
    )
    catalogue._read.cache_clear()
    assert "it has no target for the emulator" in missing_virtual_board("bare")
