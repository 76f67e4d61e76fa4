"""The replay for virtual sensors: the very samples of the source, in any pieces, never waiting."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyops.cli.replay import ReplayedSamples
from tinyops.data.sources.registry import source_for
from tinyops.errors import TinyOpsError
from tinyops.frontend import to_counts
from tinyops.projects import load_project


def read(samples: ReplayedSamples, frames: int) -> NDArray[np.int16]:
    deadline = time.monotonic() + 60
    while (taken := samples.read(frames)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return taken


@pytest.mark.parametrize("name", ["motor_health", "exercise_watch"])
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


def test_what_ends_the_source_is_raised() -> None:
    options = {"held_out": ""}
    source = load_project("exercise_watch").source.model_copy(update={"options": options})
    project = load_project("exercise_watch").model_copy(update={"source": source})
    with pytest.raises(TinyOpsError, match="held_out names nobody"):
        read(ReplayedSamples(project, 1), 10)
