"""Take a batch in: check it, quarantine what is bad, make the next dataset version of the rest.

Idempotent at every point: names are hashes, the pointer comes after the manifest and the receipt
after the pointer. Nothing is deleted from `incoming/`, and the previous version is never touched.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from tinyops.data.batch import Batch, BatchError, parse_batch
from tinyops.data.dataset import Dataset, current_version, open_dataset
from tinyops.data.divide import divide_rows
from tinyops.data.docs import publish_docs
from tinyops.data.file_hash import file_sha256
from tinyops.data.gate import check
from tinyops.data.inbox import outstanding_batches
from tinyops.data.index import index_rows
from tinyops.data.outcome import (
    Outcome,
    keep_refused,
    recall,
    settle_accepted,
    settle_quarantined,
)
from tinyops.data.parquet import ParquetError, read_rows
from tinyops.data.split import SplitError
from tinyops.data.version import Addition, make_manifest, point_to, publish_manifest
from tinyops.projects import Project, load_project
from tinyops.store import ObjectMissing, Store, layout

__all__ = ["ingest_batch", "outstanding_batches"]

log = logging.getLogger(__name__)


class BatchRefused(BatchError):
    """The whole batch is bad, whatever its recordings are."""


def ingest_batch(store: Store, project: Project | str, batch: str) -> dict[str, Any]:
    """Take one batch in; a batch with a receipt is not looked at again.

    Returns
    -------
    dict
        `status` accepted | quarantined, `batch`, `dataset` version or None, `reason`, `accepted`
        and `refused` (counts of recordings), `uri` of the manifest or of the reason.

    Raises
    ------
    BatchError
        There is no such batch, or it is not complete yet.
    StoreUnavailable
        S3 does not answer; worth another try.
    """
    if isinstance(project, str):
        project = load_project(project)
    outcome = recall(store, project.name, batch) or _handle(store, project, batch)
    level = logging.INFO if outcome.status == "accepted" else logging.WARNING
    log.log(level, "batch %s of %s: %s %s", batch, project.name, outcome.status, outcome.reason)
    return outcome.as_dict()


def _handle(store: Store, project: Project, batch: str) -> Outcome:
    if not layout.is_safe(batch):
        if batch not in outstanding_batches(store, project):
            raise BatchError(f"{project.name} has no batch {batch!r}", "publish it first")
        reason = f"{batch!r} cannot name a batch -> publish it under letters, digits and ._=-"
        return settle_quarantined(store, project.name, batch, reason)
    version = current_version(store, project)
    parent = open_dataset(store, project, version) if version else None
    if parent and any(entry["batch"] == batch for entry in parent.manifest["batches"]):
        # A run was cut off between the pointer and the receipt.
        return settle_accepted(store, parent.manifest, batch)
    with tempfile.TemporaryDirectory(prefix="tinyops-ingest-") as folder:
        try:
            return _take_in(store, project, batch, parent, Path(folder))
        except (BatchRefused, ParquetError) as refusal:
            return settle_quarantined(store, project.name, batch, str(refusal))


def _take_in(
    store: Store, project: Project, batch: str, parent: Dataset | None, folder: Path
) -> Outcome:
    ready = _ready(store, project, batch)
    path = _fetch(store, project, ready, folder)
    known = {row.fingerprint: row.recording_id for row in parent.index()} if parent else {}
    result = check(read_rows(path), project, known, name=batch)
    if len(result.table) != ready.count:
        raise BatchRefused(
            f"batch.json says {ready.count} recordings, the file holds {len(result.table)}",
            "publish it again",
        )
    good, bad = folder / "good.parquet", folder / "bad.parquet"
    divide_rows(path, result.refused_rows, good, bad)
    reason = result.reason
    if not reason:
        kept = result.table[~result.table["row"].isin(result.refused_rows)]
        addition = Addition(good, index_rows(kept), ready, result.summary())
        try:
            manifest = make_manifest(store, project, parent, addition)
        except SplitError as error:
            reason = f"the dataset cannot be split with this batch: {error}"
    said = reason or f"joined dataset {manifest['version']}"
    publish_docs(store, project, batch, result, said, ready.simulated)
    refused = bad if bad.exists() else None
    if reason:
        return settle_quarantined(store, project.name, batch, reason, result, refused)
    if refused:
        keep_refused(store, project.name, batch, "", result, refused)
    publish_manifest(store, manifest)
    point_to(store, manifest)
    return settle_accepted(store, manifest, batch)


def _ready(store: Store, project: Project, batch: str) -> Batch:
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


def _fetch(store: Store, project: Project, ready: Batch, folder: Path) -> Path:
    key = layout.batch_recordings(project.name, ready.batch)
    try:
        path = store.download(key, folder / "recordings.parquet")
    except ObjectMissing:
        raise BatchRefused(
            "there is a batch.json but no recordings.parquet", "publish it again"
        ) from None
    size = path.stat().st_size
    if size != ready.size or file_sha256(path) != ready.sha256:
        raise BatchRefused(
            f"recordings.parquet is not what batch.json says: {size} of {ready.size} bytes, "
            "or other content",
            "the upload was cut short or changed; publish it again",
        )
    return path
