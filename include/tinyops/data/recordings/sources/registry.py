"""Which source a project names in `source.kind`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.sources.machine_simulator import MachineSimulator
from tinyops.data.recordings.sources.seglearn_watch import WatchSource
from tinyops.errors import TinyOpsError
from tinyops.projects import Project


class SourceError(TinyOpsError):
    """A source is unknown or cannot give recordings."""


class Source(Protocol):
    """Recordings in numbered batches, a stream for virtual sensors, and a world that can change."""

    def recordings(self, seed: int, size: str = "small", batch: int = 0) -> Iterator[Recording]:
        """The recordings of batch 0, 1, …; `size` is small or full."""

    def replay(self, seed: int, changed: bool = False) -> Iterator[Recording]:
        """An endless stream for virtual sensors, before or after the world has changed."""

    def changed_recordings(self, seed: int, size: str = "small") -> Iterator[Recording]:
        """Labelled recordings from the changed world; none of them is in its replay."""


SOURCES: dict[str, Callable[[Project], Source]] = {
    "machine_simulator": MachineSimulator,
    "seglearn_watch": WatchSource,
}


def source_for(project: Project) -> Source:
    """The source that a project names.

    Raises
    ------
    SourceError
        No source of that name.
    """
    try:
        return SOURCES[project.source.kind](project)
    except KeyError:
        raise SourceError(
            f"{project.name}: source.kind: no source {project.source.kind!r}",
            f"use one of: {', '.join(sorted(SOURCES))}",
        ) from None


def generate(project: Project, seed: int, **options: Any) -> Iterator[Recording]:
    """Recordings with the source's own options (machines, seconds, start_machine, scenario …).

    Raises
    ------
    SourceError
        The source takes no options: it has what it has.
    """
    source = source_for(project)
    make: Callable[..., Iterator[Recording]] | None = getattr(source, "generate", None)
    if make is None:
        raise SourceError(
            f"{project.name}: source {project.source.kind!r} generates nothing",
            "use its recordings()",
        )
    return make(seed, **options)
