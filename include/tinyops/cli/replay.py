"""A project's recordings as the counts of a virtual sensor, before and after the world changes."""

from __future__ import annotations

import contextlib
import queue
import threading

import numpy as np
from numpy.typing import NDArray

from tinyops.demo.world import WorldFile
from tinyops.projects import Project

AHEAD = 4
"""Recordings prepared ahead: one may take long, and the board senses on meanwhile."""


class ReplayedSamples:
    """Reads the endless stream of the project's source, recording after recording.

    When the world changes, what was prepared is dropped and the other stream begins, at the next
    window; where windows overlap, the first one after it has samples of both.
    """

    def __init__(self, project: Project, seed: int, world: WorldFile | None = None) -> None:
        self._project = project
        self._seed = seed
        self._world = world
        self._windows = 0
        self._nothing = np.empty((0, len(project.signal.channels)), dtype=np.int16)
        self._rest = self._nothing
        self._begin(world is not None and world.changed())

    def restart(self) -> None:
        """The device starts anew, at the beginning of a recording.

        Another image may have asked for windows of another length before: what it has left of its
        last recording would shift every window after it across two recordings.
        """
        self._windows = 0
        self._rest = self._nothing

    def read(self, frames: int) -> NDArray[np.int16] | None:
        """The counts that complete the next window, int16 [frames, channels]; None while too few
        are prepared.

        Raises what ended the source.
        """
        if self._world is not None and self._world.changed() != self._changed:
            self._stream.stop()
            self._begin(not self._changed)
        while len(self._rest) < frames:
            counts = self._stream.next()
            if counts is None:
                return None
            self._rest = np.concatenate([self._rest, counts])
        taken, self._rest = self._rest[:frames], self._rest[frames:]
        self._windows += 1
        return taken

    def _begin(self, changed: bool) -> None:
        self._changed = changed
        self._stream = _Stream(self._project, self._seed, changed)
        self._rest = self._nothing
        if self._world is not None:
            self._world.served(changed, self._windows)


class _Stream:
    """Recordings as counts, prepared by a thread of its own."""

    def __init__(self, project: Project, seed: int, changed: bool) -> None:
        self._project = project
        self._stopping = False
        self._ready: queue.Queue[NDArray[np.int16] | Exception] = queue.Queue(AHEAD)
        threading.Thread(target=self._prepare, args=(seed, changed), daemon=True).start()

    def next(self) -> NDArray[np.int16] | None:
        """The next recording's counts; None while there are none. Raises what ended the source."""
        try:
            counts = self._ready.get_nowait()
        except queue.Empty:
            return None
        if isinstance(counts, Exception):
            raise counts
        return counts

    def stop(self) -> None:
        """End the thread; what is prepared is dropped."""
        self._stopping = True
        # The thread may wait for room, for which one place is enough.
        with contextlib.suppress(queue.Empty):
            self._ready.get_nowait()

    def _prepare(self, seed: int, changed: bool) -> None:
        from tinyops.data.recordings.sources import source_for
        from tinyops.frontend import to_counts

        try:
            for recording in source_for(self._project).replay(seed, changed):
                self._ready.put(to_counts(recording.signal, self._project.signal.full_scale))
                if self._stopping:
                    return
            raise EOFError(f"the recordings of {self._project.name} have come to an end")
        except Exception as error:
            self._ready.put(error)
