"""Read the ready mark of a batch."""

from __future__ import annotations

import json

from tinyops.data.batch import Batch, BatchError, BatchRefused, parse_batch
from tinyops.projects import Project
from tinyops.store import ObjectMissing, Store, layout


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
    try:
        text = store.get(layout.batch_ready(project.name, batch))
    except ObjectMissing:
        raise BatchError(
            f"batch {batch!r} of {project.name} is not complete: it has no batch.json",
            "wait for the upload, or publish it again",
        ) from None
    try:
        return parse_batch(json.loads(text), batch)
    except (ValueError, RecursionError, BatchError) as error:
        raise BatchRefused(f"batch.json: {error}", "publish it again") from None
