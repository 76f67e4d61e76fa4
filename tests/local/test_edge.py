"""The virtual boards of the embedded stack: which there are, how fast they live, their RESET."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tinyops.boards.virtual import BOARDS
from tinyops.local.edge import EmbeddedEdge, devices_of
from tinyops.projects import load_project


@pytest.mark.parametrize(("name", "speed"), [("motor_health", 4.096), ("exercise_watch", 307.2)])
def test_every_project_counts_as_often(name: str, speed: float) -> None:
    (device,) = devices_of(load_project(name))
    assert device.speed == pytest.approx(speed)


def test_a_project_of_many_boards_has_a_device_of_each(tmp_path: Path) -> None:
    project = load_project("motor_sound")
    devices = devices_of(project)
    assert {device.board for device in devices} == set(BOARDS)
    assert [device.id for device in devices] == [f"motor-sound-{n}" for n in (1, 2, 3, 4)]
    together = sum(device.speed for device in devices) * project.signal.rate_hz
    assert together / project.signal.hop / project.monitoring.every == pytest.approx(10.0)

    edge = EmbeddedEdge(tmp_path)
    assert edge._write_config(devices)
    assert not edge._write_config(devices), "the same file again"
    rows = yaml.safe_load(edge.config.read_text())["devices"]
    pressed = {row["board"] for row in rows if "reset_command" in row}
    assert pressed == {"himax-we1-plus"}, "the only one with a button and no other reset"
