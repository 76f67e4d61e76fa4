"""Foreign files become the recordings that they hold, or say what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from tests.support.data.foreign_files import (
    AT,
    NAMES,
    RATE,
    WRITERS,
    acquisition,
    csv_text,
    samples,
    three_axes,
    write,
)
from tinyops.data.recordings.importers import Description, ImportRefused, import_file
from tinyops.data.recordings.parquet import write_recordings
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project

SAID = Description(
    machine="pump-1", channels=NAMES, unit="m/s^2", recorded_at="2026-01-31T13:00:00+01:00"
)


@pytest.fixture(scope="module")
def project() -> Project:
    return three_axes()


def imported(path: Path, project: Project, **said: Any) -> Recording:
    [recording] = import_file(path, replace(SAID, **said), project)
    return recording


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_recording(name: str, tmp_path: Path, project: Project) -> None:
    values = samples()
    recording = imported(write(tmp_path, name, values), project)
    np.testing.assert_array_equal(recording.signal, values.T.astype(np.float32))
    assert recording.rate_hz == pytest.approx(RATE)
    assert recording.channels == NAMES
    assert recording.recorded_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (recording.machine_id, recording.recording_id) == ("pump-1", name.split(".")[0])


@pytest.mark.parametrize("name", ["a.parquet", "a.json", "a.cbor"])
def test_what_a_file_says_of_itself_is_taken(name: str, tmp_path: Path, project: Project) -> None:
    path = write(tmp_path, name, samples())
    said = {"recorded_at": "", "channels": (), "unit": "m/s^2" if name == "a.parquet" else ""}
    recording = imported(path, project, **said)
    assert recording.recorded_at == datetime.fromtimestamp(AT, UTC)
    assert recording.device_id == ("pump-1" if name == "a.parquet" else "ac:87:a3:0a:2d:1b")


def test_channels_come_in_the_order_of_the_project(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text(samples(), header="time_s,az,ax,ay"))
    recording = imported(path, project, channels=())
    np.testing.assert_array_equal(recording.signal, samples().T[[1, 2, 0]].astype(np.float32))
    recording = imported(path, project, channels=("az", "ax", "ay"))
    np.testing.assert_array_equal(recording.signal, samples().T.astype(np.float32))


def test_gain_and_offset_make_physical_units(tmp_path: Path, project: Project) -> None:
    counts = np.random.default_rng(3).integers(-32768, 32768, (1000, 3)).astype(np.int16)
    path = tmp_path / "a.wav"
    wavfile.write(path, int(RATE), counts)
    recording = imported(path, project, unit="", gain=40.0, offset=1.0)
    wanted = counts.T / 32768 * 40.0 + 1.0
    np.testing.assert_allclose(recording.signal, wanted, rtol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.int32])
def test_integers_of_wav_are_of_full_range(
    kind: type[np.generic], tmp_path: Path, project: Project
) -> None:
    limits = np.iinfo(kind)
    counts = np.array([[limits.min] * 3, [limits.max] * 3] * 200, kind)
    path = tmp_path / "a.wav"
    wavfile.write(path, int(RATE), counts)
    signal = imported(path, project, gain=1.0).signal
    assert signal.min() == -1.0
    assert signal.max() == pytest.approx(1.0, abs=0.01)


def test_names_come_from_file_and_folders(tmp_path: Path, project: Project) -> None:
    folder = tmp_path / "pump-9" / "normal"
    folder.mkdir(parents=True)
    path = write(folder, "a.csv", samples())
    said = {"machine": "{parent}", "label": "{folder}", "recording": "{parent}-{stem}"}
    recording = imported(path, project, **said)
    assert (recording.machine_id, recording.label) == ("pump-9", "normal")
    assert recording.recording_id == "pump-9-a"


@pytest.mark.parametrize("method", ["polyphase", "linear"])
def test_another_rate_is_resampled_by_a_named_method(
    method: str, tmp_path: Path, project: Project
) -> None:
    times = np.arange(4000) / (2 * RATE)
    tone = np.sin(2 * np.pi * 20 * times)
    path = tmp_path / "a.csv"
    path.write_text(csv_text(np.stack([tone] * 3, axis=1) * 100, 2 * RATE))
    with pytest.raises(ImportRefused, match="recorded at 800 Hz, motor_health has 400 Hz"):
        imported(path, project)
    recording = imported(path, project, resample=method)
    assert recording.rate_hz == RATE
    assert recording.conditions["resampled"] == f"{method} from 800 Hz"
    wanted = 100 * np.sin(2 * np.pi * 20 * np.arange(recording.samples) / RATE)
    inner = slice(50, -50)  # a filter has no samples beyond the ends
    assert np.abs(recording.signal[0] - wanted)[inner].max() < 1.0


def test_polyphase_keeps_out_what_would_alias(tmp_path: Path, project: Project) -> None:
    tone = 100 * np.sin(2 * np.pi * 390 * np.arange(4000) / (2 * RATE))
    path = tmp_path / "a.csv"
    path.write_text(csv_text(np.stack([tone] * 3, axis=1), 2 * RATE))
    filtered = imported(path, project, resample="polyphase").signal[0, 100:-100]
    aliased = imported(path, project, resample="linear").signal[0, 100:-100]
    assert np.abs(filtered).max() < 1.0
    assert np.abs(aliased).max() > 50.0


def test_uneven_time_stamps_need_a_method_that_knows_them(tmp_path: Path, project: Project) -> None:
    lines = csv_text(samples()).splitlines()
    del lines[500:540]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(ImportRefused, match="time stamps are uneven"):
        imported(path, project)
    with pytest.raises(ImportRefused, match="polyphase resampling needs evenly spaced"):
        imported(path, project, resample="polyphase")
    recording = imported(path, project, resample="linear")
    assert recording.samples == 2000
    np.testing.assert_allclose(recording.signal[:, :490], samples().T[:, :490], atol=1e-4)


def test_recordings_are_taken_as_they_are(tmp_path: Path, project: Project) -> None:
    made = imported(write(tmp_path, "a.csv", samples()), project, label="normal")
    write_recordings(tmp_path / "ours.parquet", [made, replace(made, recording_id="b")])
    found = list(import_file(tmp_path / "ours.parquet", SAID, project))
    assert [one.recording_id for one in found] == ["a", "b"]
    assert found[0].label == "normal"


CONTRADICTIONS: dict[str, tuple[str, dict[str, Any], str]] = {
    "rate": ("a.wav", {"rate_hz": 500.0}, "--rate says 500 Hz, the file 400 Hz"),
    "unit": ("a.json", {"unit": "g"}, r"is in g, motor_health in m/s\^2"),
    "no unit": ("a.csv", {"unit": ""}, "does not state its unit"),
    "no time": ("a.csv", {"recorded_at": ""}, "does not state when it was recorded"),
    "time without zone": ("a.csv", {"recorded_at": "2026-01-31T12:00:00"}, "with a zone"),
    "unknown channel": ("a.csv", {"channels": ("ax", "ay", "gz")}, "no channel 'gz'"),
    "too few channels": ("a.csv", {"channels": ("ax",)}, "1 channels are named"),
    "unnamed channels": ("a.npz", {"channels": ()}, "channels are 3 without names"),
    "unknown array": ("a.npz", {"array": "x"}, "no array 'x'"),
    "unknown time column": ("a.csv", {"time_column": "when"}, "no column 'when'"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_what_is_missing_or_contradicts_is_named(
    case: str, tmp_path: Path, project: Project
) -> None:
    name, said, message = CONTRADICTIONS[case]
    with pytest.raises(ImportRefused, match=message) as caught:
        imported(write(tmp_path, name, samples()), project, **said)
    assert caught.value.fix


def test_a_rate_that_no_file_states_is_asked_for(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "a.csv"
    text = csv_text(samples())
    path.write_text("\n".join(line.split(",", 1)[1] for line in text.splitlines()))
    with pytest.raises(ImportRefused, match="does not state its rate"):
        imported(path, project)
    assert imported(path, project, rate_hz=RATE).rate_hz == RATE


def test_a_plain_timestamp_of_numbers_is_not_guessed(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text(samples(), header="timestamp,ax,ay,az"))
    with pytest.raises(ImportRefused, match="seconds or milliseconds"):
        imported(path, project)
    path.write_text(csv_text(samples(), 0.001 * RATE, header="timestamp_ms,ax,ay,az"))
    assert imported(path, project).rate_hz == pytest.approx(RATE)


def test_edge_impulse_with_one_sensor_may_have_plain_numbers(
    tmp_path: Path, project: Project
) -> None:
    mono = project.model_copy(
        update={"signal": project.signal.model_copy(update={"channels": ["ax"]})}
    )
    content = acquisition(samples()[:, :1])
    content["payload"]["sensors"] = content["payload"]["sensors"][:1]
    content["payload"]["values"] = [row[0] for row in content["payload"]["values"]]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    recording = imported(path, mono, channels=())
    np.testing.assert_array_equal(recording.signal[0], samples()[:, 0].astype(np.float32))
