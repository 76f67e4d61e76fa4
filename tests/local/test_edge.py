"""How fast the virtual boards of the embedded stack live."""

from __future__ import annotations

import pytest

from tinyops.local.edge import speed_of
from tinyops.projects import load_project


@pytest.mark.parametrize(
    ("name", "speed"), [("motor_health", 4.096), ("motor_sound", 2.56), ("exercise_watch", 307.2)]
)
def test_every_project_counts_as_often(name: str, speed: float) -> None:
    assert speed_of(load_project(name)) == pytest.approx(speed)
