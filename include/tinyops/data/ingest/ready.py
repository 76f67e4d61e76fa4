"""Read the ready mark of a batch."""

from __future__ import annotations

from tinyops.data.ingest.batch import Batch, BatchError, BatchRefused, parse_batch
from tinyops.json_text import loads_unique
from tinyops.projects import Project
from tinyops.store import ObjectMissing, Store, layout

_LARGEST = 64 << 20
"""Bytes of a batch.json: a hundred thousand foreign files."""


def read_ready(store: Store, project: Project, batch: str) -> Batch:
    """What `batch.json` says.

    Raises
    ------
    BatchRefused
        It is not what it should be.
    BatchError
        It is not there: the batch is not complete.
    TinyOpsError
        `batch` cannot be part of a key.
    """
    key = layout.batch_ready(project.name, batch)
    if any(row.size > _LARGEST for row in store.objects(key)):
        raise BatchRefused(
            f"batch.json has more than {_LARGEST:,} bytes", "hand the files in as several batches"
        )
    try:
        text = store.get(key)
    except ObjectMissing:
        raise BatchError(
            f"batch {batch!r} of {project.name} is not complete: it has no batch.json",
            "wait for the upload, or publish it again",
        ) from None
    try:
        return parse_batch(loads_unique(text), batch)
    except BatchError as error:
        raise BatchRefused(error.message, error.fix) from None
    except (ValueError, RecursionError) as error:
        raise BatchRefused(f"batch.json: {error}", "publish it again") from None
