"""The catalogue's files are whole, and sizes agree with each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyops.boards import catalogue
from tinyops.boards.catalogue import CatalogueError, board_names, load_board
from tinyops.projects import load_projects


def test_four_boards() -> None:
    assert board_names() == ["esp-eye", "himax-we1-plus", "nano33ble-sense", "sparkfun-edge2"]


@pytest.mark.parametrize("name", board_names())
def test_a_board_is_consistent(name: str) -> None:
    board = load_board(name)
    assert board.ram.app_bytes <= board.ram.total_bytes
    assert board.flash.app_offset % board.flash.page_bytes == 0
    assert board.flash.app_bytes % board.flash.page_bytes == 0
    assert len({sensor.name for sensor in board.sensors}) == len(board.sensors)
    assert all(bool(sensor.needs) == sensor.external for sensor in board.sensors)
    assert board.targets or board.runtime.kind == "tflm"


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
