"""What devices in use are compared with later: the windows of a release's reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyops.data.cache import cached
from tinyops.data.dataset import Dataset
from tinyops.data.index import read_index
from tinyops.data.split import PARTS
from tinyops.frontend import Frontend, cut_windows
from tinyops.projects import Project
from tinyops.training.windows import counts_of

_MOST = 20_000


def reference_windows(
    data: Dataset, project: Project, frontend: Frontend, most: int = _MOST
) -> dict[str, NDArray]:
    """The labelled windows of all parts, without overlap; of more than `most`, so many evenly.

    Returns
    -------
    `features` int8 [n, *output_shape], `labels` int16 [n], and the texts [n] `groups` (machine or
    person), `batches` (the batch that the recording came in) and `parts`
    """
    batch_of = _batches(data)
    window = project.signal.window
    features, labels, texts = [], [], []
    for part in PARTS:
        for recording in data.recordings(part):
            if recording.label not in project.labels:
                continue
            windows = cut_windows(counts_of(recording, project), window, window)
            features.append(frontend.run(windows))
            labels += [project.labels.index(recording.label)] * len(windows)
            row = (recording.machine_id, batch_of[recording.recording_id], part)
            texts += [row] * len(windows)
    chosen = np.linspace(0, len(labels) - 1, min(len(labels), most)).round().astype(int)
    groups, batches, parts = np.array(texts)[chosen].T
    return {
        "features": np.concatenate(features)[chosen],
        "labels": np.array(labels, np.int16)[chosen],
        "groups": groups,
        "batches": batches,
        "parts": parts,
    }


def _batches(data: Dataset) -> dict[str, str]:
    return {
        row.recording_id: file["batch"]
        for file in data.manifest["files"]
        for row in read_index(cached(data.store, file["index_key"], file["index_sha256"]))
    }
