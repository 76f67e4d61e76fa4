"""A project's held-out recordings as the counts of a virtual sensor."""

from __future__ import annotations

import queue
import threading

import numpy as np
from numpy.typing import NDArray

from tinyops.projects import Project

AHEAD = 2
"""Recordings prepared ahead: a first one can take seconds, and a board must not stand still."""


class ReplayedSamples:
    """Reads the endless stream of the project's source, recording after recording."""

    def __init__(self, project: Project, seed: int) -> None:
        self._project = project
        self._ready: queue.Queue[NDArray[np.int16] | Exception] = queue.Queue(AHEAD)
        self._rest = np.empty((0, len(project.signal.channels)), dtype=np.int16)
        threading.Thread(target=self._prepare, args=(seed,), daemon=True).start()

    def read(self, frames: int) -> NDArray[np.int16]:
        """The next counts, int16 [frames, channels]. Raises what ended the source."""
        pieces = [self._rest]
        have = len(self._rest)
        while have < frames:
            counts = self._ready.get()
            if isinstance(counts, Exception):
                raise counts
            pieces.append(counts)
            have += len(counts)
        joined = np.concatenate(pieces)
        self._rest = joined[frames:]
        return joined[:frames]

    def _prepare(self, seed: int) -> None:
        from tinyops.data.sources import source_for
        from tinyops.frontend import to_counts

        try:
            for recording in source_for(self._project).replay(seed):
                self._ready.put(to_counts(recording.signal, self._project.signal.full_scale))
            raise EOFError(f"the recordings of {self._project.name} have come to an end")
        except Exception as error:
            self._ready.put(error)
