"""`tinyops data import`: a folder of files becomes one file of recordings, or none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from typer.testing import CliRunner

from tinyops.cli.data import data_app
from tinyops.data.recordings import read_recordings
from tinyops.data.recordings.importers import ImportRefused

run = CliRunner().invoke
SAID = ["--project", "motor_health", "--machine", "{parent}", "--label", "{folder}"]
SAID += ["--gain", "500", "--recorded-at", "file"]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    generator = np.random.default_rng(0)
    found = []
    for machine in ("m1", "m2"):
        for label in ("normal", "ball"):
            path = tmp_path / machine / label / "a.wav"
            path.parent.mkdir(parents=True)
            wavfile.write(path, 20_000, generator.normal(0, 600, 20_000).astype(np.int16))
            found.append(str(path))
    return found


def test_a_folder_of_files_becomes_recordings_that_the_gate_takes(
    files: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    named = ["--recording", "{parent}-{folder}", "--condition", "load=none"]
    done = run(data_app, ["import", *files, *SAID, *named, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"recordings": 4, "files": 4, "out": str(out)}
    found = {one.recording_id: one for one in read_recordings(out)}
    assert set(found) == {"m1-normal", "m1-ball", "m2-normal", "m2-ball"}
    one = found["m2-ball"]
    assert (one.machine_id, one.label, one.conditions) == ("m2", "ball", {"load": "none"})
    checked = run(data_app, ["check", str(out), "--project", "motor_health"])
    assert checked.exit_code == 0, checked.output


def test_nothing_is_written_when_a_file_is_refused(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    (tmp_path / "m2" / "ball" / "a.wav").write_bytes(b"no sound")
    named = ["--recording", "{parent}-{folder}"]
    done = run(data_app, ["import", *files, *SAID, *named, "--out", str(out)])
    assert isinstance(done.exception, ImportRefused)
    assert not list(tmp_path.glob("out*"))


def test_two_files_of_one_name_are_told_apart_by_a_person(files: list[str], tmp_path: Path) -> None:
    done = run(data_app, ["import", *files, *SAID, "--out", str(tmp_path / "out.parquet")])
    assert isinstance(done.exception, ImportRefused)
    assert "would both be recording 'a'" in str(done.exception)


@pytest.mark.parametrize("wrong", [["--resample", "magic"], ["--condition", "load"]])
def test_options_that_say_nothing_are_refused(
    wrong: list[str], files: list[str], tmp_path: Path
) -> None:
    done = run(data_app, ["import", *files, *SAID, *wrong, "--out", str(tmp_path / "o.parquet")])
    assert done.exit_code == 2
