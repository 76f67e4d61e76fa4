"""Damaged and hostile files end in one line that names the file; nothing else happens."""

from __future__ import annotations

import pickle
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.data.foreign_files import NAMES, RATE, WRITERS, samples, three_axes, write
from tests.support.data.hostile_files import DAMAGES, HOSTILE, Damage
from tests.support.data.hostile_makers import Runs
from tinyops.data.recordings.importers import SUFFIXES, Description, ImportRefused, import_file
from tinyops.data.recordings.recording import RecordingError
from tinyops.projects import Project

SAID = Description(machine="m", channels=NAMES, gain=1.0, rate_hz=RATE, recorded_at="file")


@pytest.fixture(scope="module")
def project() -> Project:
    return three_axes()


@contextmanager
def little_memory(extra: int = 2 << 30) -> Iterator[None]:
    """An allocation of more than `extra` bytes beyond today's fails instead of filling the host."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + extra, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("case", HOSTILE)
def test_it_ends_in_one_line_that_names_the_file(
    case: str, tmp_path: Path, project: Project
) -> None:
    name, content = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(content)
    with little_memory(), pytest.raises(ImportRefused) as caught:
        list(import_file(path, replace(SAID, rate_hz=None), project))
    assert name in caught.value.message
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_no_pickle_is_ever_opened(tmp_path: Path, project: Project) -> None:
    trace = tmp_path / "trace"
    objects = np.array([Runs(str(trace))] * 5, object)
    path = tmp_path / "a.npz"
    np.savez(path, signal=objects)
    with np.load(path, allow_pickle=True) as content:
        content["signal"]
    assert trace.exists(), "the file is as dangerous as it should be"
    trace.unlink()
    with pytest.raises(ImportRefused, match=r"a\.npz: "):
        list(import_file(path, SAID, project))
    path.write_bytes(pickle.dumps(Runs(str(trace))))
    with pytest.raises(ImportRefused, match=r"a\.npz: "):
        list(import_file(path, SAID, project))
    assert not trace.exists()


def outcome(path: Path, project: Project) -> str:
    """What was found, or why it was refused."""
    try:
        return f"{len(list(import_file(path, SAID, project)))} recordings"
    except (ImportRefused, RecordingError) as error:
        return str(error)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("valid")
    return {name: write(folder, name, samples(count=64)).read_bytes() for name in WRITERS}


@pytest.mark.parametrize("name", WRITERS)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(damage=DAMAGES)
def test_damage_anywhere_gives_a_recording_or_a_line(
    name: str, damage: Damage, valid: dict[str, bytes], tmp_path: Path, project: Project
) -> None:
    path = tmp_path / name
    path.write_bytes(damage(valid[name]))
    with little_memory():
        said = outcome(path, project)
    assert "\n" not in said
    assert list(tmp_path.iterdir()) == [path]


def test_every_kind_of_file_is_damaged_here() -> None:
    assert {Path(name).suffix for name in WRITERS} == set(SUFFIXES)
