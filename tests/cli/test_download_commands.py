"""The command that a download names turns files of that set's form into recordings."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat, wavfile
from typer.testing import CliRunner

from tests.support.data.foreign_files import three_axes
from tinyops.cli.data import data_app
from tinyops.data.recordings.download import PUBLIC_SETS, PublicSet
from tinyops.data.recordings.parquet import read_recordings
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project


@pytest.fixture
def run_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a set's import commands, with the shell's globs, for a project that suits it."""

    def run(wanted: PublicSet, rate: float, unit: str) -> list[Recording]:
        base = three_axes()
        signal = base.signal.model_copy(
            update={"channels": ["x"], "rate_hz": rate, "unit": unit, "full_scale": [100.0]}
        )
        project: Project = base.model_copy(update={"signal": signal})
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("tinyops.projects.load_project", lambda _: project)
        found: list[Recording] = []
        for command in wanted.commands:
            words = shlex.split(command.format(project="any"))
            if words[:3] != ["tinyops", "data", "import"]:
                continue
            arguments: list[str] = []
            for word in words[3:]:
                arguments += sorted(map(str, Path().glob(word))) if "*" in word else [word]
            done = CliRunner().invoke(data_app, ["import", *arguments])
            assert done.exit_code == 0, (done.output, done.exception)
            found += read_recordings(Path(words[words.index("--out") + 1]))
        return found

    return run


def test_uestc(tmp_path: Path, run_commands) -> None:
    wanted = PUBLIC_SETS["uestc"]
    rng = np.random.default_rng(1)
    for file in wanted.files[::7]:
        path = tmp_path / "uestc" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        # As its README says: Data, Datacount, SampleFrequency.
        data = rng.normal(0, 3, (500, 1))
        savemat(path, {"Data": data, "Datacount": 500.0, "SampleFrequency": 20000.0})
    found = run_commands(wanted, 20000.0, "m/s^2")
    names = [Path(file.path).stem for file in wanted.files[::7]]
    assert sorted(one.recording_id for one in found) == sorted(names)
    one = next(one for one in found if one.recording_id == "B_800_2")
    assert (one.machine_id, one.label, one.conditions["rpm"]) == ("uestc_B", "ball", "800")
    assert one.recorded_at.minute == 2
    assert {one.label for one in found} == {"normal", "ball", "inner_race", "outer_race"}


def test_cwru(tmp_path: Path, run_commands) -> None:
    wanted = PUBLIC_SETS["cwru"]
    times = np.arange(48_000)
    for file in wanted.files:
        path = tmp_path / "cwru" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        number = int(path.stem.split("_")[-1])
        rate = 48_000 if path.parent.name == "normal" else 12_000
        tone = np.sin(2 * np.pi * 30 * times[: rate // 10] / rate)[:, None]
        arrays = {f"X{number:03d}_DE_time": tone, f"X{number:03d}_FE_time": -tone}
        if number == 99:
            arrays["X098_DE_time"] = 0 * tone
        savemat(path, arrays)
    found = run_commands(wanted, 12_000.0, "g")
    assert len(found) == len(wanted.files) == 56
    # A tone of 30 Hz is one in all of them: normals were decimated by four, faults were not.
    for one in found:
        assert one.rate_hz == 12_000
        assert one.samples == 1200
        wave = np.sin(2 * np.pi * 30 * np.arange(1200) / 12_000)
        assert np.abs(one.signal[0] - wave)[100:-100].max() < 0.02, one.recording_id
    assert sum(one.label == "normal" for one in found) == 4
    assert {one.conditions["load_hp"] for one in found} == set("0123")
    assert len({(one.device_id, one.recorded_at) for one in found}) == 56


def test_speech_commands(tmp_path: Path, run_commands) -> None:
    wanted = PUBLIC_SETS["speech-commands"]
    rng = np.random.default_rng(1)
    for word in ("yes", "no", "up", "down"):
        for speaker in ("0a7c2a8d", "b4ea0d9a"):
            path = tmp_path / "speech-commands" / "words" / word / f"{speaker}_nohash_0.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            wavfile.write(path, 16_000, rng.integers(-9999, 9999, 16_000).astype(np.int16))
    # The shell's braces, which glob does not know.
    flat = tuple(
        command.replace(
            "speech-commands/words/{{yes,no,up,down}}/*.wav", "speech-commands/words/*/*.wav"
        )
        for command in wanted.commands
    )
    assert flat[1] != wanted.commands[1]
    from dataclasses import replace

    found = run_commands(replace(wanted, commands=flat), 16_000.0, "full scale")
    assert len(found) == 8
    assert {one.machine_id for one in found} == {"0a7c2a8d", "b4ea0d9a"}
    assert {one.label for one in found} == {"yes", "no", "up", "down"}
