"""A project's held-out recordings as the counts of a virtual sensor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tinyops.projects import Project


class ReplayedSamples:
    """Reads the endless stream of the project's source, recording after recording."""

    def __init__(self, project: Project, seed: int) -> None:
        from tinyops.data.sources import source_for

        self._project = project
        self._recordings = source_for(project).replay(seed)
        self._rest = np.empty((0, len(project.signal.channels)), dtype=np.int16)

    def read(self, frames: int) -> NDArray[np.int16]:
        """The next counts, int16 [frames, channels]."""
        pieces = [self._rest]
        have = len(self._rest)
        for counts in self._counts() if have < frames else ():
            pieces.append(counts)
            have += len(counts)
            if have >= frames:
                break
        joined = np.concatenate(pieces)
        self._rest = joined[frames:]
        return joined[:frames]

    def _counts(self) -> Iterator[NDArray[np.int16]]:
        from tinyops.frontend import to_counts

        for recording in self._recordings:
            yield to_counts(recording.signal, self._project.signal.full_scale)
