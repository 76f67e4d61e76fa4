"""What people and devices sent: batches, what the gate refused of them, and label sets."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tinyops.data.ingest import inbox
from tinyops.data.ingest.without_machines import batch_without, file_without
from tinyops.data.labels import labels
from tinyops.data.labels.label_set import LabelSet, publish_labels
from tinyops.data.recordings.parquet import ParquetError
from tinyops.retention.forget_plan import ForgetPlan
from tinyops.store import (
    Consumer,
    ObjectMissing,
    Store,
    StoreError,
    StoreUnavailable,
    layout,
    receipts,
)


def clean_batches(store: Store, project: str, plan: ForgetPlan) -> Counter[str]:
    """Take the machine's recordings out of batches in `incoming/`, handled or not.

    Files that did not come as recordings cannot be divided: those of a batch that was handled, and
    is known to have held the machine or names it in its batch.json, go whole. An unhandled one is
    ingest's to judge.
    """
    handled = receipts.handled(store, project, Consumer.INGEST)
    found = {layout.batch_of(project, key) for key in plan.incoming}
    counts: Counter[str] = Counter()
    for batch in store.folders(layout.incoming(project)):
        folder, ready = layout.sent_batch(project, batch), layout.sent_ready(project, batch)
        content = _ready(store, ready)
        own = _own_files(content)
        if batch in found and own and layout.is_safe(batch):
            try:
                taken = batch_without(store, project, batch, {plan.machine})
                counts["incoming_recordings_removed"] += taken
                own = _own_files(_ready(store, ready))
            except ParquetError:
                own = set()
        elif batch in found:
            own = set()  # No whole batch: what was found in it goes with its file.
        named = f'"{plan.machine}"' in json.dumps(content, ensure_ascii=False)
        if batch in found | set(plan.batches) or named:
            settled = inbox.input_id(batch) in handled
            for row in list(store.objects(folder)):
                foreign = layout.below(folder, row.key) not in own and row.key != ready
                if foreign and (row.key in plan.incoming or settled):
                    store.delete(row.key)
                    counts["incoming_files_removed"] += 1
    return counts


def _ready(store: Store, key: str) -> dict[str, Any]:
    try:
        content: Any = store.get_json_or(key, {})
    except StoreUnavailable:
        raise
    except StoreError:
        return {}
    return content if isinstance(content, dict) else {}


def _own_files(content: dict[str, Any]) -> set[str]:
    """Names of the files of recordings that a batch.json speaks of."""
    files = content.get("files")
    if isinstance(files, list):
        return {str(file.get("name")) for file in files if isinstance(file, dict)}
    return {layout.batch_file(1)} if "sha256" in content else set()


def clean_quarantine(store: Store, plan: ForgetPlan) -> Counter[str]:
    """Take the machine's recordings out of what gates refused."""
    counts: Counter[str] = Counter()
    for key in plan.quarantine:
        with tempfile.TemporaryDirectory(prefix="tinyops-quarantine-") as folder:
            target = Path(folder) / "left.parquet"
            try:
                path = store.download(key, Path(folder) / "file.parquet")
                removed = file_without(path, {plan.machine}, target)
            except ObjectMissing:
                continue
            if removed and target.exists():
                store.upload(target, key)
            elif removed:
                store.delete(key)
            counts["quarantine_recordings_removed"] += removed
    return counts


def clean_label_sets(store: Store, project: str, plan: ForgetPlan) -> Counter[str]:
    """Take words about the machine's recordings out of label sets, handed in and accepted."""
    counts: Counter[str] = Counter()
    names = set(plan.recordings)
    handled = receipts.handled(store, project, Consumer.LABELS)
    for folder in (layout.label_sets(project), layout.accepted_labels(project)):
        for row in list(store.objects(folder)):
            try:
                content: dict[str, Any] = store.get_json(row.key)
                left = [one for one in content["labels"] if one["recording_id"] not in names]
            except StoreUnavailable:
                raise
            except (StoreError, TypeError, KeyError):
                continue  # Refused as no label set: documents are cleaned as text.
            if len(left) == len(content["labels"]):
                continue
            counts["label_words_removed"] += len(content["labels"]) - len(left)
            set_id = layout.label_set_id(project, row.key)
            waiting = set_id is not None and labels.receipt_id(set_id) not in handled
            if left and waiting:
                # A set is named by its content, and ingest holds it to that.
                said = LabelSet.model_validate_json(_json(content | {"labels": left}))
                publish_labels(store, project, said)
            if left and not waiting:
                store.put_json(row.key, content | {"labels": left})
            else:
                store.delete(row.key)
    return counts


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content)
