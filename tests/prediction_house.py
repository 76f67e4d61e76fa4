"""A project with windows for the tiny model, two batches in a dataset, and a candidate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from chip import HOP, MODELS, WINDOW, request
from tinyops.data import Recording
from tinyops.data.batch import publish_batch
from tinyops.data.ingest import ingest_batch
from tinyops.data.sources.registry import generate
from tinyops.projects import Project, load_project, projects_folder
from tinyops.store import Store, layout

NAME = "tiny_project"
MACHINES = 12
SAMPLES = 400


def write_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """`motor_health` with windows of 32 samples, in a projects folder of its own."""
    content = yaml.safe_load((projects_folder() / "motor_health" / "project.yaml").read_text())
    content |= {"name": NAME, "split": {"salt": "3"}}
    content["signal"] |= {"window": WINDOW, "hop": HOP}
    content["frontend"] = {"kind": "samples"}
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


def put_candidate(store: Store, run: str, labels: list[str]) -> None:
    """The tiny model with a frontend that hands counts through."""
    model = (MODELS / "tiny.tflite").read_bytes()
    store.put(layout.candidate(NAME, run) + layout.MODEL, model)
    spec = request().frontend.spec.to_dict()
    manifest = {"project": NAME, "run": run, "frontend": spec, "labels": labels}
    store.put_json(layout.candidate_manifest(NAME, run), manifest)


def windows_of(recording: Recording, full_scale: float) -> np.ndarray:
    """int8 [n, WINDOW, 1, 1] as the identity frontend gives them, written out once more here."""
    scaled = np.rint(recording.signal[0].astype(np.float64) * 32767 / full_scale)
    counts = np.clip(scaled, -128, 127).astype(np.int8)
    starts = range(0, len(counts) - WINDOW + 1, HOP)
    return np.stack([counts[start : start + WINDOW] for start in starts])[..., None, None]
