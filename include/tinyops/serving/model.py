"""The model that scores in batch: a candidate with its frontend and the device's confidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.conversion.tflite.int8 import output_scale
from tinyops.conversion.tflite.litert import Int8Model
from tinyops.data.recordings.recording import Recording
from tinyops.frontend import Frontend, FrontendSpec, cut_windows, to_counts
from tinyops.projects import Project
from tinyops.serving.errors import ServingError
from tinyops.store import Pointer, Store, layout

_CHUNK = 256


@dataclass(frozen=True)
class Scores:
    """What a model says of n consecutive windows.

    Parameters
    ----------
    first
        Number of the first window in its recording.
    logits
        int8 [n, classes].
    predicted
        int64 [n], index of a class.
    confidences
        float32 [n]: the device's, in steps of 1/256.
    """

    first: int
    logits: NDArray[np.int8]
    predicted: NDArray[np.int64]
    confidences: NDArray[np.float32]


class ServedModel:
    """A candidate in LiteRT.

    Raises
    ------
    ServingError
        There is no such candidate.
    ConversionError
        LiteRT refuses its model.
    """

    def __init__(self, store: Store, project: Project, version: str) -> None:
        manifest = store.get_json_or(layout.candidate_manifest(project.name, version), None)
        if manifest is None:
            raise ServingError(
                f"{project.name} has no candidate {version!r}", "name one that training accepted"
            )
        tflite = store.get(layout.candidate(project.name, version) + layout.MODEL)
        self.version = version
        self.classes: list[str] = manifest["labels"]
        self.frontend = Frontend(FrontendSpec.from_dict(manifest["frontend"]))
        self.logit_scale = output_scale(tflite)
        self.temperature = float(manifest.get("temperature", 1.0))
        self._full_scale = project.signal.full_scale
        self._table = exponent_table(self.logit_scale, self.temperature)
        self._model = Int8Model(tflite)

    def score(self, recording: Recording) -> Iterator[Scores]:
        """All windows of a recording, a few hundred at a time; nothing where it holds none."""
        spec = self.frontend.spec
        counts = to_counts(recording.signal, self._full_scale)
        for first in range(0, max(0, (len(counts) - spec.window) // spec.hop + 1), _CHUNK):
            start = first * spec.hop
            piece = counts[start : start + (_CHUNK - 1) * spec.hop + spec.window]
            windows = cut_windows(piece, spec.window, spec.hop)
            logits = self._model.logits(self.frontend.run(windows))
            yield Scores(
                first,
                logits,
                logits.argmax(axis=1).astype(np.int64),
                (confidences_q8(logits, self._table) / 256).astype(np.float32),
            )


def default_model(store: Store, project: str) -> str:
    """The candidate that serves: the champion, else what is staged, else the newest accepted.

    Raises
    ------
    ServingError
        Nothing was trained yet.
    """
    for pointer, key in (
        (Pointer.CHAMPION, "candidate"),
        (Pointer.RELEASE, "version"),
        (Pointer.CANDIDATE, "version"),
    ):
        found = store.get_json_or(layout.pointer(project, pointer), None)
        if found:
            return str(found[key])
    raise ServingError(f"{project} has no model yet", "train one, or name a candidate")
