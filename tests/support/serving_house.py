"""A project with windows for the tiny model, two batches in its dataset, and a champion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.support.chip import HOP, WINDOW
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings import Recording
from tinyops.data.recordings.sources.registry import generate
from tinyops.projects import Project, load_project, projects_folder
from tinyops.releases.keys import signing_keys
from tinyops.store import Pointer, Store, layout

NAME = "tiny_project"
MACHINES = 12
SAMPLES = 400


def write_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """`motor_health` with windows of 32 samples, in a projects folder of its own."""
    content = yaml.safe_load((projects_folder() / "motor_health" / "project.yaml").read_text())
    content |= {"name": NAME, "split": {"salt": "3"}}
    content["signal"] |= {"window": WINDOW, "hop": HOP}
    content["frontend"] = {"kind": "samples"}
    content["monitoring"] = {"false_alarm_rate": 0.1}
    monkeypatch.setenv("TINYOPS_PROJECTS", str(folder))
    (folder / NAME).mkdir()
    (folder / NAME / "project.yaml").write_text(yaml.safe_dump(content))
    return load_project(NAME)


def recordings(project: Project, batch: int) -> list[Recording]:
    """One of each class of each machine: the same physics as `motor_health`."""
    return list(
        generate(
            project,
            batch,
            machines=MACHINES,
            seconds=SAMPLES / project.signal.rate_hz,
            start_machine=batch * MACHINES,
        )
    )


def fill(store: Store, project: Project) -> str:
    """Two batches, so two files; returns the dataset version."""
    version = ""
    for batch in range(2):
        publish_batch(store, project, f"b{batch}", recordings(project, batch))
        version = ingest_batch(store, project, f"b{batch}")["dataset"]
    return version


def crown(store: Store, run: str, instructions: int) -> None:
    """Make a candidate the champion, with a proof of so many instructions a window."""
    proof = {"board": "nano33ble-sense", "instructions_per_window": instructions}
    target = "nano33ble-sense-qemu-virtual"
    name = layout.release(NAME, run) + layout.proof_name(target)
    signing_keys().seal().put_json(store, name, proof)
    store.put_json(layout.pointer(NAME, Pointer.CHAMPION), {"version": run, "candidate": run})


def windows_of(recording: Recording, full_scale: float) -> np.ndarray:
    """int8 [n, WINDOW, 1, 1] as the identity frontend gives them, written out once more here."""
    scaled = np.rint(recording.signal[0].astype(np.float64) * 32767 / full_scale)
    counts = np.clip(scaled, -128, 127).astype(np.int8)
    starts = range(0, len(counts) - WINDOW + 1, HOP)
    return np.stack([counts[start : start + WINDOW] for start in starts])[..., None, None]
