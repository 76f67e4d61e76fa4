"""A released model on the host: what the device would say of recordings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.conversion.tflite.int8 import output_scale
from tinyops.conversion.tflite.litert import int8_logits
from tinyops.data.recordings.recording import Recording
from tinyops.frontend import Frontend, FrontendSpec, cut_windows
from tinyops.projects import Project
from tinyops.store import Store, layout
from tinyops.training.windows import counts_of


@dataclass(frozen=True)
class Said:
    """The device's words on one recording's windows: class names, confidences in 1/256."""

    predictions: list[str]
    confidences_q8: list[int]

    @property
    def majority(self) -> str:
        """The class of most windows."""
        return max(set(self.predictions), key=lambda name: (self.predictions.count(name), name))


@dataclass(frozen=True, eq=False)
class ReleasedModel:
    """A release's int8 model in LiteRT, with its frontend and the device's confidence table."""

    project: Project
    tflite: bytes
    frontend: Frontend
    classes: list[str]
    table: list[int]

    @classmethod
    def load(cls, store: Store, project: Project, release: str) -> ReleasedModel:
        """Read the candidate that a release was made from; its id is the release's version.

        Raises
        ------
        ObjectMissing
            There is no such candidate.
        """
        manifest = store.get_json(layout.candidate_manifest(project.name, release))
        tflite = store.get(layout.candidate(project.name, release) + layout.MODEL)
        return cls(
            project,
            tflite,
            Frontend(FrontendSpec.from_dict(manifest["frontend"])),
            manifest["labels"],
            exponent_table(output_scale(tflite), float(manifest.get("temperature", 1.0))),
        )

    def decide(self, recordings: Iterable[Recording]) -> dict[str, Said]:
        """What it says of each recording that holds a window.

        Windows do not overlap, as in the reference that devices are compared with.
        """
        size = self.project.signal.window
        names, features = [], []
        for recording in recordings:
            windows = cut_windows(counts_of(recording, self.project), size, size)
            names += [recording.recording_id] * len(windows)
            features.append(self.frontend.run(windows))
        if not names:
            return {}
        logits = int8_logits(self.tflite, np.concatenate(features))
        classes = np.array(self.classes)[logits.argmax(axis=1)]
        confidences = confidences_q8(logits, self.table)
        found = {}
        for name in dict.fromkeys(names):
            own = np.array(names) == name
            found[name] = Said(classes[own].tolist(), confidences[own].tolist())
        return found
