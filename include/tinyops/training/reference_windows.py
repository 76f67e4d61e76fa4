"""What devices in use are compared with later: the windows of a release's reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyops.data.datasets.cache import cached
from tinyops.data.datasets.dataset import Dataset
from tinyops.data.datasets.index import read_index
from tinyops.frontend import Frontend
from tinyops.projects import Project
from tinyops.projects.coverage import PARTS
from tinyops.training.feature_cache import training_steps, windows_at
from tinyops.training.recipe import Recipe, recipe_of
from tinyops.training.windows import WindowSet

_MOST = 20_000


def reference_windows(
    data: Dataset,
    project: Project,
    frontend: Frontend,
    recipe: Recipe | None = None,
    most: int = _MOST,
) -> dict[str, NDArray]:
    """The labelled windows of all parts, without overlap; of more than `most`, so many evenly.

    Where training's windows overlap by whole parts of a window, some of them are taken and none is
    computed again.

    Returns
    -------
    `features` int8 [n, *output_shape], `labels` int16 [n], and the texts [n] `groups` (machine or
    person), `batches` (the batch that the recording came in) and `parts`
    """
    batch_of, window = _batches(data), project.signal.window
    steps = training_steps(project, recipe or recipe_of(project.training))
    steps = {share: window if window % step else step for share, step in steps.items()}
    sets = windows_at(data, project, frontend, steps)
    apart = {part: _apart(sets[part], window // steps[part]) for part in PARTS}
    total = sum(map(len, apart.values()))
    chosen = np.linspace(0, total - 1, min(total, most)).round().astype(int)
    columns: dict[str, list[NDArray]] = {}
    for part in PARTS:
        rows = apart[part][chosen[(chosen >= 0) & (chosen < len(apart[part]))]]
        chosen = chosen - len(apart[part])
        found, ids = sets[part], sets[part].recordings[rows]
        for name, column in {
            "features": found.features[rows],
            "labels": found.labels[rows].astype(np.int16),
            "groups": found.groups[rows],
            "batches": np.array([batch_of[name] for name in ids], dtype=np.str_),
            "parts": np.full(len(rows), part),
        }.items():
            columns.setdefault(name, []).append(column)
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def _apart(windows: WindowSet, every: int) -> NDArray[np.int64]:
    """Rows of every so manieth window of each recording."""
    names = windows.recordings
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    place = np.arange(len(names)) - np.repeat(starts, np.diff(np.append(starts, len(names))))
    return np.flatnonzero(place % every == 0)


def _batches(data: Dataset) -> dict[str, str]:
    return {
        row.recording_id: file["batch"]
        for file in data.manifest["files"]
        for row in read_index(cached(data.store, file["index_key"], file["index_sha256"]))
    }
