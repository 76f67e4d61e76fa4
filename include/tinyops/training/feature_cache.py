"""Features of a dataset version on the local disk: computed once, read through a memory map.

The frontend's C code costs more than reading recordings, and training sees every window in every
epoch. A set is a folder that appears whole by a rename: a run that is killed leaves a folder of
another name, which is removed a day later. The sets that were not used for longest go first when
all together take more than CACHE_BYTES.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinyops.data.datasets.dataset import Dataset
from tinyops.data.datasets.split import Part
from tinyops.data.recordings.recording import Recording
from tinyops.frontend import Frontend, cut_windows
from tinyops.frontend.host import cache_folder
from tinyops.projects import Project
from tinyops.store import content_id
from tinyops.training.recipe import Recipe, TrainingError
from tinyops.training.windows import WindowSet, counts_of

CACHE_BYTES = 20 << 30
_PROCESS = "making-"
_DAY = 86_400
_WINDOWS_AT_ONCE = 4096

Share = Part | Literal["all"]
"""A part of the split, or all recordings in the order of arrival."""


def training_steps(project: Project, recipe: Recipe) -> dict[Share, int]:
    """Samples from one window to the next in each part: only training windows overlap."""
    hop = project.signal.hop
    return {"train": max(1, hop // recipe.overlap), "validation": hop, "test": hop}


def windows_at(
    data: Dataset, project: Project, frontend: Frontend, steps: Mapping[Share, int]
) -> dict[Share, WindowSet]:
    """All labelled windows of some shares, one every so many samples.

    Features are a read-only memory map; what is not on the disk yet is computed in one pass over
    the recordings, one of them in memory at a time.

    Raises
    ------
    TrainingError
        A share holds no labelled window.
    """
    folder = cache_folder() / "features"
    folder.mkdir(parents=True, exist_ok=True)
    paths = {share: folder / _name(data, project, frontend, share, steps[share]) for share in steps}
    missing = {share: steps[share] for share, path in paths.items() if not path.exists()}
    if missing:
        with tempfile.TemporaryDirectory(dir=folder, prefix=_PROCESS) as scratch:
            made = _make(data, project, frontend, missing, Path(scratch))
            for share, path in made.items():
                _rename(path, paths[share])
    sets = {share: _load(path, project, frontend) for share, path in paths.items()}
    _sweep(folder, set(paths.values()))
    return sets


def _name(data: Dataset, project: Project, frontend: Frontend, share: Share, step: int) -> str:
    made_of: dict[str, Any] = {
        "dataset": data.version,
        "share": share,
        "step": step,
        "frontend": frontend.spec.to_dict(),
        "code": frontend.host.digest,
        "full_scale": list(project.signal.full_scale),
        "labels": project.labels,
        "slices": project.objective.slices,
    }
    if gone := data.manifest.get("forgotten"):
        # The same version holds fewer recordings since.
        made_of["forgotten"] = gone
    return content_id(made_of, 32)


@dataclass
class _Writer:
    """One set while it is written: features as bytes, and a line for each recording."""

    step: int
    file: IO[bytes]
    rows: list[list[Any]] = field(default_factory=list)

    def add(self, recording: Recording, project: Project, frontend: Frontend) -> None:
        """Append a recording's windows."""
        signal = project.signal
        counts = counts_of(recording, project)
        windows = max(0, (len(counts) - signal.window) // self.step + 1)
        for first in range(0, windows, _WINDOWS_AT_ONCE):
            last = min(windows, first + _WINDOWS_AT_ONCE) - 1
            piece = counts[first * self.step : last * self.step + signal.window]
            self.file.write(frontend.run(cut_windows(piece, signal.window, self.step)).tobytes())
        keys = [name.removeprefix("condition:") for name in project.objective.slices]
        self.rows.append(
            [
                recording.recording_id,
                recording.machine_id,
                project.labels.index(str(recording.label)),
                windows,
                *(recording.conditions.get(key, "none") for key in keys),
            ]
        )


def _make(
    data: Dataset, project: Project, frontend: Frontend, steps: Mapping[Share, int], folder: Path
) -> dict[Share, Path]:
    with ExitStack() as stack:
        writers: dict[Share, _Writer] = {}
        for share, step in steps.items():
            (folder / share).mkdir()
            file = stack.enter_context((folder / share / "features.i8").open("wb"))
            writers[share] = _Writer(step, file)
        only: Share = next(iter(steps)) if len(steps) == 1 else "all"
        for recording in data.recordings(None if only == "all" else only):
            if recording.label not in project.labels:
                continue
            part = data.part_of(recording)
            for share, writer in writers.items():
                if share in (part, "all"):
                    writer.add(recording, project, frontend)
    for share, writer in writers.items():
        (folder / share / "recordings.json").write_text(json.dumps(writer.rows))
    return {share: folder / share for share in writers}


def _load(path: Path, project: Project, frontend: Frontend) -> WindowSet:
    rows = json.loads((path / "recordings.json").read_text())
    os.utime(path)
    counts = np.array([row[3] for row in rows], np.int64)
    if not counts.sum():
        raise TrainingError(
            f"{project.name}: no labelled window of {project.signal.window} samples",
            "send longer or labelled recordings",
        )

    def each(column: int) -> NDArray[Any]:
        return np.repeat(np.array([row[column] for row in rows]), counts)

    shape = (int(counts.sum()), *frontend.output_shape)
    return WindowSet(
        np.asarray(np.memmap(path / "features.i8", np.int8, "r", shape=shape)),
        each(2),
        each(1),
        each(0),
        {name: each(4 + number) for number, name in enumerate(project.objective.slices)},
    )


def _rename(made: Path, path: Path) -> None:
    try:
        made.rename(path)
    except OSError:
        # Another process was sooner; its set is the same.
        if not path.exists():
            raise


def _sweep(folder: Path, used: set[Path]) -> None:
    """Remove what killed runs left, and sets beyond CACHE_BYTES; who maps one keeps it."""
    now = time.time()
    sets: list[tuple[float, int, Path]] = []
    for path in folder.iterdir():
        try:
            used_at = path.stat().st_mtime
            if path.name.startswith(_PROCESS):
                if now - used_at > _DAY:
                    shutil.rmtree(path, ignore_errors=True)
                continue
            sets.append((used_at, sum(f.stat().st_size for f in path.iterdir()), path))
        except FileNotFoundError:
            continue  # Another process sweeps too.
    total = sum(size for _, size, _ in sets)
    for _, size, path in sorted(sets):
        if total > CACHE_BYTES and path not in used:
            shutil.rmtree(path, ignore_errors=True)
            total -= size


def drop_features(machine: str) -> int:
    """Remove the sets on this machine's disk that hold windows of a machine; how many.

    A set that a run is writing is not touched.
    """
    folder = cache_folder() / "features"
    removed = 0
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        try:
            rows = json.loads((path / "recordings.json").read_text())
        except (OSError, ValueError):
            continue
        if any(row[1] == machine for row in rows):
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
    return removed
