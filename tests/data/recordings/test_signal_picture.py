"""The picture of a recording draws names as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tinyops.data.recordings.signal_picture import draw_signal
from tinyops.data.recordings.sources import generate
from tinyops.projects import load_project


@pytest.mark.parametrize("name", [r"$\frac{1}{$", "$x$", "</script>", "\x1b[31mx\n"])
def test_names_are_text(tmp_path: Path, name: str) -> None:
    recording = next(iter(generate(load_project("motor_health"), 1, machines=24, seconds=1.0)))
    hostile = replace(recording, recording_id=name, machine_id=name, label=name, unit=name)
    picture = draw_signal(hostile, tmp_path / "signal.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
