"""Arrays of many records, and names that say something."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from tests.support.data.foreign_files import NAMES, RATE, samples, three_axes
from tinyops.data.recordings.importers import Description, ImportRefused, import_file
from tinyops.data.recordings.importers.description import description_of
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project

START = datetime(2026, 1, 1, tzinfo=UTC)
SAID = Description(
    machine="{rig}", channels=NAMES, gain=1.0, records=True, recorded_at="2026-01-01T00:00:00Z"
)
VALUES = np.stack([samples(seed, 300) for seed in range(6)])
COLUMNS: dict[str, Any] = {
    "fs": RATE,
    "rig": np.array(["a", "a", "b", "b", "a", "a"]),
    "rpm": np.array([800.0, 800.0, 1000.0, 1000.0, 800.5, 800.5]),
    "kind": np.array([b"x", b"x", b"y", b"y", b"x", b"x"]),
    "source": np.array([3, 3, 1, 1, 3, 3]),
    "start": np.array([300, 0, 0, 300, 900, 600]),
}


@pytest.fixture(scope="module")
def project() -> Project:
    return three_axes()


def imported(path: Path, project: Project, **said: Any) -> list[Recording]:
    return list(import_file(path, replace(SAID, **said), project))


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    path = tmp_path / "many.npz"
    np.savez(path, signal=VALUES, **COLUMNS)
    return path


def test_every_record_is_a_recording_with_its_own_columns(npz: Path, project: Project) -> None:
    found = imported(npz, project, label="{kind}", conditions={"rpm": "{rpm}"})
    assert [one.recording_id for one in found] == [f"many.{n:05d}" for n in range(6)]
    assert [one.machine_id for one in found] == list("aabbaa")
    assert [one.label for one in found] == list("xxyyxx")
    assert [one.conditions["rpm"] for one in found] == [
        "800",
        "800",
        "1000",
        "1000",
        *["800.5"] * 2,
    ]
    for number, one in enumerate(found):
        np.testing.assert_array_equal(one.signal, VALUES[number].T.astype(np.float32))
        # The file says of none when it was made: they follow each other.
        assert one.recorded_at == START + timedelta(seconds=number * 300 / RATE)
    assert "in the order" in found[1].conditions["recorded_at"]


def test_pieces_of_one_capture_are_joined_where_they_follow_each_other(
    npz: Path, project: Project
) -> None:
    found = imported(npz, project, join="source", recording="{stem}-{source}")
    assert [one.recording_id for one in found] == ["many-3", "many-1"]
    np.testing.assert_array_equal(
        found[0].signal, np.concatenate(VALUES[[1, 0, 5, 4]]).T.astype(np.float32)
    )
    assert found[1].recorded_at == START + timedelta(seconds=1200 / RATE)
    overlapping = {**COLUMNS, "start": COLUMNS["start"] // 2}
    np.savez(npz, signal=VALUES, **overlapping)
    with pytest.raises(ImportRefused, match="do not follow each other"):
        imported(npz, project, join="source")


def test_a_column_says_what_one_count_is_worth(tmp_path: Path, project: Project) -> None:
    counts = np.random.default_rng(1).integers(-999, 999, (4, 300, 3)).astype(np.int16)
    worth = np.array([0.5, 0.25, 2.0, 1e-3], np.float32)
    path = tmp_path / "a.npz"
    np.savez(path, signal=counts, worth=worth, fs=RATE)
    found = imported(path, project, machine="m", scale="worth", gain=10.0)
    for one, count, each in zip(found, counts, worth, strict=True):
        np.testing.assert_allclose(one.signal, 10 * float(each) * count.T, rtol=1e-6)
    with pytest.raises(ImportRefused, match="no column 'x' with a number"):
        imported(path, project, machine="m", scale="x")


def test_records_of_one_channel_and_of_mat_files(tmp_path: Path, project: Project) -> None:
    mono = project.model_copy(
        update={"signal": project.signal.model_copy(update={"channels": ["ax"]})}
    )
    path = tmp_path / "a.mat"
    savemat(path, {"x": VALUES[:, :, 0], "fs": RATE, "note": "text"})
    found = imported(path, mono, channels=(), machine="m")
    assert len(found) == 6
    np.testing.assert_array_equal(found[5].signal[0], VALUES[5, :, 0].astype(np.float32))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such column": ({"machine": "{motor}"}, r"nothing stands for \{motor\}.*\{rig\}"),
    "nothing to join by": ({"join": "motor"}, "no column 'motor'"),
    "not said": ({"records": False}, "5 arrays may be the signal"),
    "no such array": ({"array": "x"}, "no array 'x'"),
    "no records": ({"array": "rpm"}, "0 arrays may be the records"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_missing_is_named(case: str, npz: Path, project: Project) -> None:
    said, message = WRONG[case]
    with pytest.raises(ImportRefused, match=message):
        imported(npz, project, **said)


def test_a_name_fills_places(tmp_path: Path, project: Project) -> None:
    path = tmp_path / "12ab_nohash_3.npz"
    np.savez(path, **{"X3_DE": VALUES[0]}, other=VALUES[1])
    said = {
        "records": False,
        "machine": "{speaker}",
        "recording": "{folder}-{stem}",
        "named": "{speaker}_nohash_{take}",
        "array": "X{take}_DE",
        "rate_hz": RATE,
        "recorded_at": "2026-01-01T00:0{take}:00Z",
    }
    [one] = imported(path, project, **said)
    assert (one.machine_id, one.recorded_at.minute) == ("12ab", 3)
    assert one.recording_id == f"{tmp_path.name}-12ab_nohash_3"
    np.testing.assert_array_equal(one.signal, VALUES[0].T.astype(np.float32))
    for named in (
        "{speaker}-{take}",
        "{speaker}_nohash",
        "{a}_{a}",
        "{a}{b}",
        "{stem}_{a}",
        "x{a}",
    ):
        with pytest.raises(ImportRefused, match="made"):
            imported(path, project, **said | {"named": named})


@pytest.mark.timeout(20)
def test_no_name_takes_long(tmp_path: Path, project: Project) -> None:
    path = tmp_path / f"{'a_' * 100}.npz"
    np.savez(path, signal=VALUES[0], fs=RATE)
    places = "_".join(f"{{p{number}}}" for number in range(40))
    with pytest.raises(ImportRefused, match="not made as"):
        imported(path, project, records=False, machine="m", named=places + "!")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"machine": 3},
        {"machine": "m", "rate_hz": float("nan")},
        {"machine": "m", "rate_hz": -1.0},
        {"machine": "m", "gain": float("inf")},
        {"machine": "m", "rate_hz": True},
        {"machine": "m", "rate_hz": "400"},
        {"machine": "m", "resample": "magic"},
        {"machine": "m", "motor": "x"},
        {"machine": "m" * 1000},
        {"machine": "m", "conditions": {"load": 3}},
        {"machine": "m", "channels": ["x"] * 100},
    ],
    ids=str,
)
def test_a_description_that_makes_no_sense_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused, match="what is said of the file") as caught:
        description_of(content)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
