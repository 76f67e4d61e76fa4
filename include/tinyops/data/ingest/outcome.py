"""What became of a batch: quarantine, receipt, and the answer for whoever asks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tinyops.data.datasets.dataset import read_manifest
from tinyops.data.ingest.inbox import input_id
from tinyops.data.ingest.lot import RefusedFile
from tinyops.data.labels.label_request import answered
from tinyops.data.quality.docs import page_uri
from tinyops.data.quality.result import GateResult
from tinyops.store import Consumer, Receipt, Store, layout, receipts


@dataclass(frozen=True)
class Outcome:
    """Counts are of recordings; `uri` is that of the manifest, or of the quarantine's reason.

    `warnings` is {expectation: recordings} that went on for all that, `docs` the page in Data Docs.
    `unfit` says why nothing can be trained on the version, "" if it can.
    """

    status: Literal["accepted", "quarantined"]
    batch: str
    dataset: str | None
    reason: str
    accepted: int
    refused: int
    uri: str
    warnings: dict[str, int] = field(default_factory=dict)
    docs: str = ""
    unfit: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for XCom and JSON."""
        return asdict(self)


def keep_refused(
    store: Store,
    project: str,
    batch: str,
    reason: str,
    result: GateResult | None = None,
    file: Path | None = None,
    files: Sequence[RefusedFile] = (),
) -> dict[str, Any]:
    """Write refused recordings, if they could be read at all, and then why they were refused.

    `reason` concerns the whole batch; "" when only some recordings were refused, or some foreign
    files, which stay where they are.
    """
    folder = layout.quarantine(project, input_id(batch))
    kept = store.upload(file, folder + layout.RECORDINGS) if file else None
    total = len(result.table) if result else 0
    content = {
        "batch": batch,
        "reason": reason,
        "incoming": store.uri(layout.sent_batch(project, batch)),
        "recordings": kept,
        "accepted": 0 if reason or not result else result.accepted,
        "refused": total if reason or not result else len(result.refused_rows),
        "refusals": [asdict(refusal) for refusal in result.refusals] if result else [],
        "files": [asdict(each) for each in files],
        "warnings": result.counts if result else {},
        "docs": page_uri(store, project, batch) if result else "",
    }
    store.put_json(folder + layout.REASON, content)
    return content


def settle_quarantined(
    store: Store,
    project: str,
    batch: str,
    reason: str,
    result: GateResult | None = None,
    file: Path | None = None,
    files: Sequence[RefusedFile] = (),
) -> Outcome:
    """Quarantine a whole batch and write its receipt."""
    content = keep_refused(store, project, batch, reason, result, file, files)
    outcome = _quarantined(store, project, batch, content)
    name = input_id(batch)
    receipt = Receipt(Consumer.INGEST, name, "quarantined", outcome.uri, outcome.reason)
    receipts.write(store, project, receipt)
    return outcome


def settle_accepted(store: Store, manifest: dict[str, Any], batch: str) -> Outcome:
    """Write the receipt of a batch that is in a dataset version, and of what it answers."""
    outcome = _accepted(store, manifest, batch)
    entry = _entry(manifest, batch)
    answered(store, manifest["project"], entry["request"], manifest["version"], f"batch {batch}")
    name = input_id(batch)
    receipt = Receipt(Consumer.INGEST, name, "done", manifest["version"], outcome.reason)
    receipts.write(store, manifest["project"], receipt)
    return outcome


def recall(store: Store, project: str, batch: str) -> Outcome | None:
    """What became of a batch that was handled before; None while it is outstanding."""
    name = input_id(batch)
    receipt = receipts.read(store, project, Consumer.INGEST, name)
    if receipt is None:
        return None
    if receipt.status == "done":
        return _accepted(store, read_manifest(store, project, receipt.output), batch)
    content = store.get_json(layout.quarantine_reason(project, name))
    return _quarantined(store, project, batch, content)


def _accepted(store: Store, manifest: dict[str, Any], batch: str) -> Outcome:
    entry = _entry(manifest, batch)
    refused, files = entry["refused"], entry["files_refused"]
    said = [f"{refused} recordings were refused"] if refused else []
    said += [f"{files} files could not be read"] if files else []
    named = ", ".join(f"{name} {count}" for name, count in entry["warnings"].items())
    said += [f"warnings: {named}"] if named else []
    return Outcome(
        status="accepted",
        batch=batch,
        dataset=manifest["version"],
        reason="; ".join(said),
        accepted=entry["accepted"],
        refused=refused,
        uri=store.uri(layout.dataset_manifest(manifest["project"], manifest["version"])),
        warnings=entry["warnings"],
        docs=page_uri(store, manifest["project"], batch),
        unfit=manifest.get("unfit", ""),
    )


def _entry(manifest: dict[str, Any], batch: str) -> dict[str, Any]:
    return next(entry for entry in manifest["batches"] if entry["batch"] == batch)


def _quarantined(store: Store, project: str, batch: str, content: dict[str, Any]) -> Outcome:
    return Outcome(
        status="quarantined",
        batch=batch,
        dataset=None,
        reason=content["reason"],
        accepted=0,
        refused=content["refused"],
        uri=store.uri(layout.quarantine_reason(project, input_id(batch))),
        warnings=content["warnings"],
        docs=content["docs"],
    )
