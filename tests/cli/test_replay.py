"""The replay for virtual sensors: the very samples of the source, in any pieces, never waiting."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyops.cli.replay import ReplayedSamples
from tinyops.data.recordings.sources.registry import source_for
from tinyops.demo.world import LOOK_SECONDS, WorldFile
from tinyops.errors import TinyOpsError
from tinyops.frontend import to_counts
from tinyops.projects import Project, load_project


def read(samples: ReplayedSamples, frames: int) -> NDArray[np.int16]:
    deadline = time.monotonic() + 60
    while (taken := samples.read(frames)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return taken


@pytest.mark.parametrize("name", ["motor_health", "motor_sound", "exercise_watch"])
def test_pieces_join_to_the_source_s_recordings(name: str) -> None:
    project = load_project(name)
    recordings = itertools.islice(source_for(project).replay(3), 2)
    expected = np.concatenate(
        [to_counts(one.signal, project.signal.full_scale) for one in recordings]
    )
    samples = ReplayedSamples(project, 3)
    sizes = [1, 700, len(expected) - 1000, 299]
    taken = np.concatenate([read(samples, size) for size in sizes])
    assert np.array_equal(taken, expected[: sum(sizes)])


def test_what_ends_the_source_is_raised(tmp_path: Path) -> None:
    options = {"held_out": ""}
    source = load_project("exercise_watch").source.model_copy(update={"options": options})
    project = load_project("exercise_watch").model_copy(update={"source": source})
    file = tmp_path / "world.json"
    file.write_text('{"changed": true}')
    with pytest.raises(TinyOpsError, match="held_out names nobody"):
        read(ReplayedSamples(project, 1, WorldFile(file, print)), 10)


def stream(project: Project, seed: int, changed: bool) -> NDArray[np.int16]:
    recordings = itertools.islice(source_for(project).replay(seed, changed), 8)
    return np.concatenate([to_counts(one.signal, project.signal.full_scale) for one in recordings])


def served(file: Path) -> dict[str, object]:
    return json.loads(file.with_name(file.name + ".served").read_text())


def test_the_world_changes_at_a_window_and_back(tmp_path: Path) -> None:
    project = load_project("motor_health")
    size = project.signal.window
    file = tmp_path / "board.world.json"
    said: list[str] = []
    others = set(threading.enumerate())
    samples = ReplayedSamples(project, 3, WorldFile(file, said.append))
    assert served(file) == {"changed": False, "windows": 0}
    assert said == [f"world file {file}: No such file or directory; the world stays as it is"]
    before, after = stream(project, 3, changed=False), stream(project, 3, changed=True)
    got = [read(samples, size) for _ in range(3)]
    for windows, changed, there in ((3, True, after), (5, False, before)):
        file.write_text(json.dumps({"changed": changed}))
        time.sleep(LOOK_SECONDS)
        got += [read(samples, size) for _ in range(2)]
        assert served(file) == {"changed": changed, "windows": windows}
        assert np.array_equal(np.concatenate(got[-2:]), there[: 2 * size])
    assert np.array_equal(np.concatenate(got[:3]), before[: 3 * size])
    assert len(said) == 1
    samples.restart()
    file.write_text('{"changed": true}')
    time.sleep(LOOK_SECONDS)
    read(samples, size)
    assert served(file) == {"changed": True, "windows": 0}
    deadline = time.monotonic() + 10
    while len(set(threading.enumerate()) - others) > 1:  # the streams left behind end by themselves
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("true", "not {"),
        ('{"changed": 1}', "not {"),
        ("{}", "not {"),
        (b"\xff\xfe", "not JSON"),
        (None, "No such file"),
    ],
)
def test_a_damaged_world_file_leaves_the_world_as_it_is(
    tmp_path: Path, content: str | bytes | None, word: str
) -> None:
    file = tmp_path / "world.json"
    said: list[str] = []
    world = WorldFile(file, said.append)
    file.write_text('{"changed": true}')
    assert world.changed()
    file.unlink() if content is None else file.write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    for _ in range(3):
        time.sleep(LOOK_SECONDS)
        assert world.changed()
    assert len(said) == 1
    assert word in said[0]
    file.write_text('{"changed": false}')
    time.sleep(LOOK_SECONDS)
    assert not world.changed()


def test_a_device_that_starts_anew_gets_whole_recordings_again() -> None:
    project = load_project("motor_health")
    size = project.signal.window
    samples = ReplayedSamples(project, 3)
    # An image with other windows ran before.
    read(samples, 896)
    samples.restart()
    second = stream(project, 3, changed=False)[size : 2 * size]
    assert np.array_equal(read(samples, size), second)
