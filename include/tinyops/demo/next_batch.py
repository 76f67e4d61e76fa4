"""The next batch of a project's source, as the demo lets it land in S3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from tinyops.projects import Project
    from tinyops.store import Store


def publish_next(console: Console, store: Store, project: Project) -> str | None:
    """Publish it and say so; its name, or None when the source has no more."""
    from tinyops.data.ingest.batch import publish_batch
    from tinyops.data.recordings.sources import source_for
    from tinyops.store import layout

    number = len(store.folders(layout.incoming(project.name)))
    kind = "simulated" if project.source.simulated else "real"
    with console.status(f"collecting {kind} recordings"):
        source = source_for(project)
        recordings = list(source.recordings(project.training.seed, "small", number))
    if not recordings:
        return None
    batch = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{number:04d}"
    publish_batch(store, project, batch, recordings, note=f"demo, {kind}")
    machines = len({recording.machine_id for recording in recordings})
    console.print(
        f"batch {batch}: {len(recordings)} {kind} recordings of {machines} machines or people, "
        f"{len(project.labels)} classes",
        highlight=False,
    )
    return batch
