"""The catalogue's files are whole, and sizes agree with each other."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tinyops.boards import catalogue
from tinyops.boards.board import PLATFORMS
from tinyops.boards.catalogue import CatalogueError, board_names, load_board
from tinyops.projects import load_projects


def test_four_boards() -> None:
    assert board_names() == ["esp-eye", "himax-we1-plus", "nano33ble-sense", "sparkfun-edge2"]


@pytest.mark.parametrize("name", board_names())
def test_a_board_can_be_built_for(name: str) -> None:
    board = load_board(name)
    assert board.targets == [f"{name}-{PLATFORMS[board.runtime.kind]}"]


NANO = yaml.safe_load((catalogue.FOLDER / "nano33ble-sense.yaml").read_text())
XIAO = "xiao-nrf52840-sense"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"name": XIAO, "targets": [f"{XIAO}-qemu-virtual"]},
            "is 19 characters, expected at most 18",
        ),
        ({"name": "Nano_33"}, "name"),
        ({"flash.page_bytes": 4000}, "page_bytes is 4000, expected a power of two"),
        ({"flash.app_offset": 0x10100}, "app_offset is 0x10100, expected a multiple of page_bytes"),
        ({"flash.app_bytes": 983_041}, "app_bytes is 0xf0001, expected a multiple of page_bytes"),
        ({"flash.app_bytes": 8192}, "expected more than the 2 pages of parameters"),
        ({"flash.app_bytes": 4 << 20}, "expected 0x400 to 0x400000 from the start of flash"),
        ({"flash.app_offset": 0}, "expected 0x400 to 0x400000 from the start of flash"),
        ({"ram.address": 0x10000000}, "ram: 262144 bytes at 0x10000000"),
        ({"ram.total_bytes": 262_145}, "ram.total_bytes"),
        ({"ram.app_bytes": 262_145}, "app_bytes is 262145, expected at most total_bytes 262144"),
        ({"core": "Cortex-M0+"}, "core: 'Cortex-M0+', expected a Cortex-M4"),
        ({"runtime.kind": "tflm"}, "expected own-board-host-virtual for runtime tflm"),
        ({"targets": ["nano33ble-sense-qemu-virtual"]}, "expected own-board-qemu-virtual"),
        ({"sensors": [*NANO["sensors"], NANO["sensors"][0]]}, "'imu' twice"),
        ({"sensors": [NANO["sensors"][0] | {"external": True}]}, "what has to be connected"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_would_fail_later_is_refused_when_the_file_is_read(
    changes: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = copy.deepcopy(NANO) | {"name": "own-board", "targets": ["own-board-qemu-virtual"]}
    del board["arduino"]
    for key, value in changes.items():
        section, _, last = key.rpartition(".")
        (board[section] if section else board)[last] = value
    (tmp_path / f"{board['name']}.yaml").write_text(yaml.safe_dump(board))
    monkeypatch.setenv("TINYOPS_BOARDS", str(tmp_path))
    with pytest.raises(CatalogueError, match=re.escape(said)):
        load_board(board["name"])


def test_projects_in_the_repository_name_sensors_that_their_boards_have() -> None:
    for project in load_projects():
        for name in project.boards:
            sensor = load_board(name).sensor(project.sensor)
            assert sensor is not None
            assert project.signal.rate_hz <= sensor.max_rate_hz


def test_an_unknown_board_is_named() -> None:
    with pytest.raises(CatalogueError, match="no board 'uno'"):
        load_board("uno")


def test_a_wrong_key_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (catalogue.FOLDER / "esp-eye.yaml").read_text()
    (tmp_path / "esp-eye2.yaml").write_text(text.replace("mcu:", "cpu:"))
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    with pytest.raises(CatalogueError, match=r"esp-eye2\.yaml.*mcu"):
        load_board("esp-eye2")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"name: " + b"[" * 5000, "line 1: nested more than 32 deep"),
        (b"name: own\nname: own", "line 2: the key 'name' is there twice"),
        (b"name: \xff", "line 1: byte 0xff is no UTF-8"),
        (b"", "the file"),
    ],
)
def test_a_board_that_is_no_usable_yaml_spares_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, word: str
) -> None:
    (tmp_path / "own.yaml").write_bytes(content)
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.setenv(catalogue.OWN, str(tmp_path))
    with pytest.raises(CatalogueError, match=rf"own\.yaml.*{word}"):
        load_board("own")
    with pytest.raises(CatalogueError, match=r"folder\.yaml: Is a directory"):
        load_board("folder")
    assert load_board("esp-eye").name == "esp-eye"
