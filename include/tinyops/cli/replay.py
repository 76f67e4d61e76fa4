"""A project's held-out recordings as the counts of a virtual sensor."""

from __future__ import annotations

import queue
import threading

import numpy as np
from numpy.typing import NDArray

from tinyops.projects import Project

AHEAD = 2
"""Recordings prepared ahead: one may take long, and the board senses on meanwhile."""


class ReplayedSamples:
    """Reads the endless stream of the project's source, recording after recording."""

    def __init__(self, project: Project, seed: int) -> None:
        self._project = project
        self._ready: queue.Queue[NDArray[np.int16] | Exception] = queue.Queue(AHEAD)
        self._rest = np.empty((0, len(project.signal.channels)), dtype=np.int16)
        threading.Thread(target=self._prepare, args=(seed,), daemon=True).start()

    def read(self, frames: int) -> NDArray[np.int16] | None:
        """The next counts, int16 [frames, channels]; None while too few are prepared.

        Raises what ended the source.
        """
        while len(self._rest) < frames:
            try:
                counts = self._ready.get_nowait()
            except queue.Empty:
                return None
            if isinstance(counts, Exception):
                raise counts
            self._rest = np.concatenate([self._rest, counts])
        taken, self._rest = self._rest[:frames], self._rest[frames:]
        return taken

    def _prepare(self, seed: int) -> None:
        from tinyops.data.sources import source_for
        from tinyops.frontend import to_counts

        try:
            for recording in source_for(self._project).replay(seed):
                self._ready.put(to_counts(recording.signal, self._project.signal.full_scale))
            raise EOFError(f"the recordings of {self._project.name} have come to an end")
        except Exception as error:
            self._ready.put(error)
