"""Measure files of batches in several tasks, for one task that takes the batches in afterwards.

What a task finds lies under `staging/`, named by what it was made of, so measuring twice is
harmless, and what is missing is measured by whoever needs it. Nothing else reads it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from tinyops.data.ingest.batch import Batch, BatchError, BatchFile, BatchRefused
from tinyops.data.ingest.inbox import outstanding_batches
from tinyops.data.ingest.lot import RefusedFile, imported
from tinyops.data.ingest.originals import Lot
from tinyops.data.ingest.piece import Piece, measured
from tinyops.data.ingest.ready import read_ready
from tinyops.data.recordings.parquet import ParquetError
from tinyops.projects import Project
from tinyops.store import Store, content_id, layout

MAPPED_MB = 256
"""Less than this is faster in one task, as each task costs its imports; TINYOPS_MAPPED_MB."""

MOST_TASKS = 1000
"""Airflow maps a task over 1024 inputs at most, as it comes (3.3.2: core.max_map_length)."""

Work = list[list[str]]
"""For one task: pairs of batch and file."""


def plan(store: Store, project: Project) -> list[Work]:
    """What tasks shall measure of the outstanding batches; empty where one does it all sooner."""
    sizes: dict[tuple[str, str], int] = {}
    for batch in filter(layout.is_safe, outstanding_batches(store, project)):
        try:
            ready = read_ready(store, project, batch)
        except BatchError:
            continue  # Whoever takes it in says what is wrong.
        sizes |= {(batch, file.name): max(1, file.size) for file in ready.files}
    enough = int(os.environ.get("TINYOPS_MAPPED_MB", MAPPED_MB)) << 20
    if len(sizes) < 2 or sum(sizes.values()) < max(1, enough):
        return []
    total = sum(sizes.values())
    tasks = min(MOST_TASKS, len(sizes), -(-total // max(1, 2 * enough)))
    work: dict[int, Work] = {}
    before = 0
    for (batch, name), size in sizes.items():
        work.setdefault(before * tasks // total, []).append([batch, name])
        before += size
    return list(work.values())


def stage(store: Store, project: Project, work: Work) -> dict[str, int]:
    """Measure files and leave what was found; a bad file is a finding too.

    Returns
    -------
    {files, recordings, bytes}
    """
    counts = {"files": 0, "recordings": 0, "bytes": 0}
    for batch, name in work:
        ready = read_ready(store, project, batch)
        file = next(each for each in ready.files if each.name == name)
        with tempfile.TemporaryDirectory(prefix="tinyops-measure-") as folder:
            try:
                found, refused = _found(store, project, ready, file, Path(folder))
            except (BatchRefused, ParquetError) as error:
                content: dict[str, Any] = {"refused": [error.message, error.fix]}
            else:
                content = {
                    "pieces": [asdict(_staged(store, project, piece)) for piece in found],
                    "files": [asdict(each) for each in refused],
                }
                counts["recordings"] += sum(len(piece.entries) for piece in found)
        store.put_json(_key(project, ready, file), content)
        counts["files"] += 1
        counts["bytes"] += file.size
    return counts


def pieces_of(
    store: Store, project: Project, ready: Batch, folder: Path
) -> Iterator[Piece | RefusedFile]:
    """The pieces of a batch, as they were staged or measured now, and which foreign files gave
    none; errors as in `measured`."""
    for number, file in enumerate(ready.files):
        staged = store.get_json_or(_key(project, ready, file), None)
        if staged is None:
            found, refused = _found(store, project, ready, file, folder / str(number))
            yield from found
            yield from refused
        elif "refused" in staged:
            raise BatchRefused(*staged["refused"])
        else:
            yield from (Piece(**piece) for piece in staged["pieces"])
            yield from (RefusedFile(**each) for each in staged["files"])


def _found(
    store: Store, project: Project, ready: Batch, file: BatchFile | Lot, folder: Path
) -> tuple[list[Piece], list[RefusedFile]]:
    if isinstance(file, Lot):
        return imported(store, project, ready, file, folder)
    return measured(store, project, ready, file, folder), []


def sweep(store: Store, project: Project) -> None:
    """Remove what a run has left; only between runs, which ingest has one of at a time."""
    for row in list(store.objects(layout.staging(project.name))):
        store.delete(row.key)


def _staged(store: Store, project: Project, piece: Piece) -> Piece:
    """The piece without its file on this disk; what is only there goes to S3."""
    if piece.key:
        return replace(piece, path=None)
    key = layout.staged_recordings(project.name, piece.sha256)
    assert piece.path is not None
    store.upload(piece.path, key)
    piece.path.unlink()
    return replace(piece, path=None, key=key, etag=store.etag(key))


def _key(project: Project, ready: Batch, file: BatchFile | Lot) -> str:
    made_of: Sequence[Any] = (
        ready.batch,
        asdict(file),
        project.model_dump(mode="json"),
        metadata.version("tinyops"),
    )
    return layout.staged_findings(project.name, content_id(made_of))
