"""Take a batch in: check it, quarantine what is bad, make the next dataset version of the rest.

Idempotent at every point: names are hashes, the pointer comes after the manifest and the receipt
after the pointer. Nothing is deleted from `incoming/`, and the previous version is never touched.
"""

from __future__ import annotations

import json
import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinyops.data.datasets.dataset import Dataset, current_version, open_dataset
from tinyops.data.datasets.index import index_rows
from tinyops.data.datasets.split import SplitError
from tinyops.data.ingest.batch import BatchError, BatchRefused
from tinyops.data.ingest.divide import divide
from tinyops.data.ingest.forgotten import forgotten_among
from tinyops.data.ingest.inbox import outstanding_batches
from tinyops.data.ingest.lot import RefusedFile
from tinyops.data.ingest.originals import Lot
from tinyops.data.ingest.outcome import (
    Outcome,
    keep_refused,
    recall,
    settle_accepted,
    settle_quarantined,
)
from tinyops.data.ingest.piece import Piece
from tinyops.data.ingest.ready import read_ready
from tinyops.data.ingest.staging import pieces_of
from tinyops.data.ingest.version import Addition, make_manifest, point_to, publish_manifest
from tinyops.data.ingest.without_machines import batch_without, originals_without, remove_files
from tinyops.data.quality.docs import publish_docs
from tinyops.data.quality.gate import check_measured
from tinyops.data.recordings.parquet import ParquetError
from tinyops.projects import Project, load_project
from tinyops.store import Store, layout

__all__ = ["ingest_batch", "outstanding_batches"]

log = logging.getLogger(__name__)


def ingest_batch(store: Store, project: Project | str, batch: str) -> dict[str, Any]:
    """Take one batch in; a batch with a receipt is not looked at again.

    Returns
    -------
    dict
        As `Outcome.as_dict`.

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
    if outcome.unfit:
        log.warning(
            "dataset %s of %s is unfit to train on: %s",
            *(outcome.dataset, project.name, outcome.unfit),
        )
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


def _holds_simulated(piece: Piece) -> bool:
    # Whoever handed the batch in may not have known.
    conditions = (json.loads(entry.get("conditions") or "{}") for entry in piece.entries)
    return any(each.get("simulated") == "true" for each in conditions)


def _take_in(
    store: Store, project: Project, batch: str, parent: Dataset | None, folder: Path
) -> Outcome:
    ready = read_ready(store, project, batch)
    found = list(pieces_of(store, project, ready, folder))
    pieces = [each for each in found if isinstance(each, Piece)]
    files = [each for each in found if isinstance(each, RefusedFile)]
    ready = replace(ready, simulated=ready.simulated or any(map(_holds_simulated, pieces)))
    if removed := [each.name for each in files if each.forgotten]:
        originals_without(store, project.name, batch, removed)
    if files and not pieces:
        reason = f"no file could be read; {files[0].reason} -> {files[0].fix}"
        return settle_quarantined(store, project.name, batch, reason, files=files)
    machines = {str(entry.get("machine_id")) for piece in pieces for entry in piece.entries}
    if gone := forgotten_among(store, project.name, machines):
        divisible = bool(ready.files) and not any(isinstance(each, Lot) for each in ready.files)
        count = batch_without(store, project.name, batch, gone) if divisible else 0
        log.warning("batch %s: %s recordings of forgotten machines removed", batch, count)
        if count in (0, sum(len(piece.entries) for piece in pieces)):
            remove_files(store, project.name, batch)
            raise BatchRefused(
                "it holds recordings of machines that were forgotten, and no others or none that "
                "can be told apart: its files were removed",
                "send others without them",
            )
        return _take_in(store, project, batch, parent, folder / "without")
    entries = (entry for piece in pieces for entry in piece.entries)
    result = check_measured(entries, project, parent.index() if parent else [], name=batch)
    kept = result.table[~result.table["row"].isin(result.refused_rows)]
    divided = divide(store, pieces, result.refused_rows, index_rows(kept), folder)
    reason = result.reason
    if not reason:
        addition = Addition(divided.good, ready, result.summary() | {"files_refused": len(files)})
        try:
            manifest = make_manifest(store, project, parent, addition)
        except SplitError as error:
            reason = f"the dataset cannot be split with this batch: {error}"
    said = reason or f"joined dataset {manifest['version']}"
    if not reason and (unfit := manifest.get("unfit")):
        said += f", which is unfit to train on: {unfit}"
    if files:
        said += f"; {len(files)} files could not be read, reason.json in quarantine names them"
    publish_docs(store, project, batch, result, said, ready.simulated)
    if reason:
        return settle_quarantined(store, project.name, batch, reason, result, divided.bad, files)
    if divided.bad or files:
        keep_refused(store, project.name, batch, "", result, divided.bad, files)
    publish_manifest(store, manifest)
    point_to(store, manifest)
    return settle_accepted(store, manifest, batch)
