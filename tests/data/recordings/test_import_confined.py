"""Foreign files are read in a child: what goes wrong there is one line that names the file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.data.foreign_files import NAMES, RATE, acquisition, samples, three_axes, write
from tinyops.confinement import Limits, confine
from tinyops.data.ingest.readable import require_readable
from tinyops.data.recordings.importers import Description, ImportRefused, import_file
from tinyops.data.recordings.importers.confined import TERMS, import_to
from tinyops.data.recordings.parquet import read_recordings
from tinyops.projects import Project

SAID = Description(machine="m", channels=NAMES, gain=1.0, rate_hz=RATE, recorded_at="file")


@pytest.fixture(scope="module")
def project() -> Project:
    return three_axes()


def test_the_child_gives_what_this_process_would(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, "a.npz", samples()).relative_to(tmp_path)
    assert import_to(path, SAID, project, Path("out.parquet")) == 1
    [found] = read_recordings(tmp_path / "out.parquet")
    [wanted] = import_file(tmp_path / path, SAID, project)
    assert found.fingerprint() == wanted.fingerprint()
    assert (found.recorded_at, found.conditions) == (wanted.recorded_at, wanted.conditions)
    require_readable(Path("out.parquet"))


def refused(path: Path, project: Project, limits: Limits) -> str:
    out = path.with_name("out.parquet")
    with pytest.raises(ImportRefused) as caught:
        import_to(path, SAID, project, out, limits)
    assert not out.exists()
    assert path.name in caught.value.message
    assert caught.value.fix
    return caught.value.message


def test_memory_time_and_output_have_limits(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, signal=np.zeros((30_000_000, 1), np.float32))
    signal = project.signal.model_copy(update={"channels": ["ax"], "full_scale": [40.0]})
    mono = project.model_copy(update={"signal": signal})
    one = Description(machine="m", gain=1.0, rate_hz=RATE, recorded_at="file")
    with pytest.raises(ImportRefused, match=r"a\.npz: .*(allocate|memory)"):
        import_to(path, one, mono, tmp_path / "out", Limits(memory_bytes=640 << 20))
    path = tmp_path / "slow.json"
    head, tail = str(acquisition(samples(count=2))).replace("'", '"').split("[[", 1)
    path.write_text(f"{head}[{'[1, 2, 3], ' * 3_000_000}[{tail}")
    slow = refused(path, project, Limits(memory_bytes=3 << 30, processor_seconds=1))
    assert slow == "slow.json: takes more than 1 s of processor time to be read"
    path = write(tmp_path, "a.npz", samples(count=200_000))
    assert "too many recordings" in refused(path, project, Limits(memory_bytes=3 << 30))


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        ("os:abort", (), r"^a\.mat: its reader crashes on it \(SIGABRT\) ->"),
        ("os:_exit", (3,), r"^a\.mat: its reader crashes on it \(exit status "),
        ("json:loads", ("{",), r"^a\.mat: cannot be read: JSONDecodeError"),
        ("numpy:ones", (1 << 40,), r"^a\.mat: needs more than 1,024 MiB of memory"),
    ],
)
def test_how_a_reader_falls_is_said(
    target: str, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ImportRefused, match=message) as caught:
        confine("a.mat", target, *arguments, terms=TERMS)
    assert caught.value.fix


def test_a_reader_has_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    # A process of its own for these terms, started with the key in its parent's environment.
    terms = replace(TERMS, preload=("json",))
    assert confine("x", "os:getenv", "PATH", terms=terms) == os.environ["PATH"]
    assert confine("x", "os:getenv", "AWS_SECRET_ACCESS_KEY", terms=terms) is None
