"""Real recordings through the real ingest DAG, handed in as the NPZ files that they came as.

Slices of ../shared/data (skipped where that is not) and seglearn's watch data from its package.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.airflow_runs import AirflowProcess
from tests.support.checkout import SHARED
from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.ingest.batch import publish_originals
from tinyops.data.recordings.importers import Description
from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.sources.registry import source_for
from tinyops.projects import Project, load_project, projects_folder
from tinyops.store import Store, layout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROJECTS = Path(__file__).with_name("projects")
DATA = SHARED / "data"
VOLTS = 1 / 0.01022
"""m/s^2 of a volt: the README's sensitivity. That the files are in volts is not said there."""
NOT_KNOWN = {"recorded_at": "not known; numbered in order"}


@dataclass(frozen=True)
class Real:
    """Files of one project, what is said of them, and what must come of them."""

    files: list[Path]
    said: Description
    recordings: int
    by_label: dict[str, int]
    looks_right: Callable[[dict[str, Recording]], None]


def sliced(source: Path, target: Path, rows: Any) -> dict[str, Any]:
    """Some records of an NPZ with all of its columns, as another one."""
    with np.load(source) as data:
        count = len(data["signal"])
        kept = {
            name: data[name][rows(data)] if data[name].shape[:1] == (count,) else data[name]
            for name in data.files
        }
    np.savez(target, **kept)
    return kept


def uestc(folder: Path) -> Real:
    """The first 0.8 s of each of 36 captures: windows of 2048 counts, to be joined again."""
    files = []
    for rpm in (800, 1000, 1200):
        target = folder / f"uestc_{rpm}rpm.npz"
        kept = sliced(DATA / "uestc" / target.name, target, lambda data: data["start"] < 8 * 2048)
        files.append(target)
    last = kept

    def looks_right(found: dict[str, Recording]) -> None:
        one = found["O_1200_2"]
        rows = last["source_file"] == "O_1200_2"
        wanted = VOLTS * last["signal"][rows].astype(float) * last["scale"][rows][:, None]
        np.testing.assert_allclose(one.signal[0], wanted.ravel(), rtol=1e-6)
        assert (one.conditions["rpm"], one.machine_id) == ("1200", "rig_outer_race")

    said = Description(
        machine="rig_{label}",
        device="rig_{label}_{rpm}",
        label="{label}",
        recording="{source_file}",
        recorded_at="2025-01-01T00:00:00Z",
        gain=VOLTS,
        array="signal",
        records=True,
        join="source_file",
        scale="scale",
        conditions={"rpm": "{rpm}", **NOT_KNOWN},
    )
    labels = dict.fromkeys(("normal", "inner_race", "outer_race", "ball"), 9)
    return Real(files, said, 36, labels, looks_right)


def fan(folder: Path) -> Real:
    """Every fourteenth second of an ESP32's accelerometer on a fan."""
    target = folder / "fan.npz"
    kept = sliced(
        DATA / "fan_esp32" / "fan_esp32_200hz.npz", target, lambda data: slice(None, None, 14)
    )

    def looks_right(found: dict[str, Recording]) -> None:
        np.testing.assert_array_equal(found["fan.00007"].signal, kept["signal"][7].T)
        assert found["fan.00007"].conditions["speed"] == kept["speed"][7]

    said = Description(
        machine="fan",
        label="{label}",
        channels=("x", "y", "z"),
        unit="g",
        recorded_at="2025-01-01T00:00:00Z",
        records=True,
        conditions={"speed": "{speed}", "mount": "{mount}", **NOT_KNOWN},
    )
    labels = {label: int((kept["label"] == label).sum()) for label in ("normal", "anomaly")}
    return Real([target], said, len(kept["label"]), labels, looks_right)


def pump(folder: Path) -> Real:
    """Every second of 154 captures of 45 kW motors."""
    target = folder / "pump.npz"
    kept = sliced(
        DATA / "subf_motor" / "subf_motor_5s.npz", target, lambda data: slice(None, None, 2)
    )

    def looks_right(found: dict[str, Recording]) -> None:
        name = str(kept["source_file"][5])
        np.testing.assert_array_equal(found[name].signal, kept["signal"][5].T)

    said = Description(
        machine="motor",
        label="{label}",
        recording="{source_file}",
        channels=("x", "y", "z"),
        unit="g",
        recorded_at="2025-01-01T00:00:00Z",
        records=True,
        conditions=NOT_KNOWN,
    )
    labels = {label: int((kept["label"] == label).sum()) for label in ("healthy", "faulty")}
    return Real([target], said, len(kept["label"]), labels, looks_right)


def watch(folder: Path) -> Real:
    """Six people's exercises; seglearn's file is the one pickle that is opened, by its hash."""
    project = load_project("exercise_watch")
    whole = {one.recording_id: one for one in source_for(project).recordings(1)}
    files = []
    for one in whole.values():
        path = folder / f"{one.machine_id}-{one.label}-{one.recording_id}.npz"
        np.savez(path, motion=one.signal.T, fs=one.rate_hz)
        files.append(path)

    def looks_right(found: dict[str, Recording]) -> None:
        for name, one in whole.items():
            np.testing.assert_array_equal(found[name].signal, one.signal)
            assert (found[name].machine_id, found[name].label) == (one.machine_id, one.label)

    said = Description(
        machine="{person}",
        label="{exercise}",
        recording="{id}",
        channels=tuple(project.signal.channels),
        unit=project.signal.unit,
        recorded_at="2018-01-01T00:00:00Z",
        named="{person}-{exercise}-{id}",
        conditions=NOT_KNOWN,
    )
    labels = [one.label for one in whole.values()]
    counts = {label: labels.count(label) for label in project.labels}
    return Real(files, said, len(whole), counts, looks_right)


SETS = {"uestc": uestc, "fan": fan, "pump": pump, "exercise_watch": watch}
FOLDERS = {"uestc": "uestc", "fan": "fan_esp32", "pump": "subf_motor"}


def test_real_recordings_become_dataset_versions(
    airflow: AirflowProcess, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = tmp_path / "projects"
    shutil.copytree(PROJECTS, projects)
    shutil.copytree(projects_folder() / "exercise_watch", projects / "exercise_watch")
    monkeypatch.setenv("TINYOPS_PROJECTS", str(projects))
    here = [name for name in SETS if name not in FOLDERS or (DATA / FOLDERS[name]).exists()]
    sets: dict[str, tuple[Project, Real]] = {}
    for name in here:
        folder = tmp_path / name
        folder.mkdir()
        real = SETS[name](folder)
        project = load_project(name)
        # An upload that was cut short lies beside them: it costs only itself.
        cut = folder / "cut-off-x.npz"
        cut.write_bytes(real.files[0].read_bytes()[:-500])
        publish_originals(store, project, "first", [*real.files, cut], real.said)
        sets[name] = (project, real)
    env = airflow.env(TINYOPS_BUCKET=store.bucket, TINYOPS_PROJECTS=str(projects))

    runs = airflow.run_dags(env, [f"{name}__ingest" for name in here], tmp_path / "runs.json")

    for (name, (project, real)), run in zip(sets.items(), runs, strict=True):
        assert run["state"] == "success", (name, run)
        [told] = run["xcoms"]["ingest_batches"]["batches"]
        assert told["status"] == "accepted", (name, told)
        assert "1 files could not be read" in told["reason"], name
        assert "refused" not in told["reason"], name
        assert (told["accepted"], told["refused"]) == (real.recordings, 0), name
        dataset = open_dataset(store, project, told["dataset"])
        assert dataset.manifest["counts"]["by_label"] == dict(sorted(real.by_label.items()))
        assert dataset.manifest["simulated"] is False
        real.looks_right({one.recording_id: one for one in dataset.recordings()})
        reason = store.get_json(layout.quarantine_reason(name, "first"))
        [refused] = reason["files"]
        assert refused["path"].endswith("cut-off-x.npz")
        assert "no NPZ that can be read" in refused["reason"]
    if len(here) < len(SETS):
        pytest.skip(f"../shared/data has only some sets; ran: {', '.join(here)}")
