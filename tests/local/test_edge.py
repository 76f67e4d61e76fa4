"""How fast the virtual boards of the embedded stack live."""

from __future__ import annotations

import pytest

from tinyops.local.edge import speed_of
from tinyops.projects import load_project


@pytest.mark.parametrize(("name", "speed"), [("motor_health", 3.2768), ("exercise_watch", 20.48)])
def test_every_project_decides_as_often(name: str, speed: float) -> None:
    assert speed_of(load_project(name)) == pytest.approx(speed)
