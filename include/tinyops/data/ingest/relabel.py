"""Apply a label set: check it, set aside what is bad, make the next dataset version of the rest.

Idempotent like ingest: the pointer comes after the manifest and the receipt last.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from tinyops.data.datasets.dataset import current_version, open_dataset
from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.split import SplitError
from tinyops.data.ingest.version import make_relabelled, point_to, publish_manifest
from tinyops.data.labels.label_request import answered
from tinyops.data.labels.label_set import LabelError, LabelRow, LabelSet, parse_labels
from tinyops.data.labels.labels import (
    accepted_sets,
    in_order,
    outstanding_labels,
    receipt_id,
    training_labels,
)
from tinyops.projects import Project, load_project
from tinyops.store import Consumer, Receipt, Store, layout, receipts

__all__ = ["apply_labels", "outstanding_labels"]

log = logging.getLogger(__name__)
UNCHANGED = "no label changed"
_CLOCK_ERROR = timedelta(minutes=10)


@dataclass(frozen=True)
class LabelOutcome:
    """What became of a set; counts are of its labels, `dataset` is the version that has them."""

    status: Literal["applied", "unchanged", "quarantined"]
    labels: str
    dataset: str
    reason: str
    accepted: int
    refused: int


@dataclass(frozen=True)
class RowRefusal:
    """One label that may not go on; `kind` is what counts are kept by."""

    recording_id: str
    label: str
    kind: str
    fix: str


def apply_labels(store: Store, project: Project | str, set_id: str) -> dict[str, Any]:
    """Apply one set; a set with a receipt is not looked at again.

    Returns
    -------
    dict
        The fields of LabelOutcome.

    Raises
    ------
    LabelError
        There is no such set.
    StoreUnavailable
        S3 does not answer; worth another try.
    """
    project = load_project(project) if isinstance(project, str) else project
    if receipts.read(store, project.name, Consumer.LABELS, receipt_id(set_id)) is None:
        text = _fetch(store, project.name, set_id)
        try:
            labels = _checked(text, set_id, project)
        except LabelError as refusal:
            _set_aside(store, project.name, set_id, str(refusal), [])
        else:
            _apply(store, project, set_id, labels)
    outcome = _recall(store, project.name, set_id)
    level = logging.WARNING if outcome.refused or not outcome.accepted else logging.INFO
    log.log(level, "labels %s of %s: %s %s", set_id, project.name, outcome.status, outcome.reason)
    return asdict(outcome)


def _fetch(store: Store, project: str, set_id: str) -> bytes:
    if set_id not in outstanding_labels(store, project):
        raise LabelError(f"{project} has no label set {set_id!r}", "publish it first")
    # What is not named by a hash is not even read: `publish_labels` did not write it.
    return store.get(layout.label_set(project, set_id)) if receipt_id(set_id) == set_id else b""


def _checked(text: bytes, set_id: str, project: Project) -> LabelSet:
    if not text:
        raise LabelError(
            f"label set {set_id!r} is empty or not named by its content", "use `tinyops label`"
        )
    labels = parse_labels(text, set_id)
    if labels.project != project.name:
        problem = f"project: it is for {labels.project!r}, not {project.name!r}"
    elif labels.id != set_id:
        problem = f"its content hashes to {labels.id}: it was changed, or named by hand"
    elif labels.at > datetime.now(UTC) + _CLOCK_ERROR:
        problem = f"at: {labels.at.isoformat()} is in the future"
    elif labels.at < datetime.now(UTC) - timedelta(days=project.retention.labels_days):
        problem = (
            f"at: {labels.at.isoformat()} is older than retention.labels_days "
            f"({project.retention.labels_days:g})"
        )
    else:
        return labels
    raise LabelError(f"label set {set_id}: {problem}", "publish a set that is right")


def _apply(store: Store, project: Project, set_id: str, labels: LabelSet) -> None:
    version = current_version(store, project)
    parent = open_dataset(store, project, version) if version else None
    rows = {row.recording_id: row for row in parent.index()} if parent else {}
    good, refused = check_rows(labels, rows, project)
    if parent is None or not good:
        reason = f"label set {set_id}: no label is good -> correct them and publish the set again"
        _set_aside(store, project.name, set_id, reason, refused)
        return
    accepted = labels.model_copy(update={"labels": tuple(good)})
    sets = in_order(accepted_sets(store, project) | {set_id: accepted})
    truth = {name: word for name, word in training_labels(sets).items() if name in rows}
    manifest, reason = parent.manifest, UNCHANGED
    if set_id in (manifest.get("relabelled") or {"sets": ()})["sets"]:
        reason = ""  # A run was cut off between the pointer and the receipt.
    elif any(word.label != rows[name].label for name, word in truth.items()):
        try:
            manifest, reason = make_relabelled(store, project, parent, truth), ""
        except SplitError as error:
            whole = f"with these labels no model could be trained on the dataset: {error}"
            _set_aside(store, project.name, set_id, whole, refused)
            return
    key = layout.accepted_labels(project.name, set_id)
    store.put_json(key, accepted.model_dump(mode="json"))
    if refused:
        _keep_refused(store, project.name, set_id, "", refused)
    if manifest is not parent.manifest:
        publish_manifest(store, manifest)
        point_to(store, manifest)
    answered(store, project.name, labels.request, manifest["version"], f"labels {set_id}")
    name = receipt_id(set_id)
    receipt = Receipt(Consumer.LABELS, name, "done", manifest["version"], reason)
    receipts.write(store, project.name, receipt)


def check_rows(
    labels: LabelSet, rows: dict[str, IndexRow], project: Project
) -> tuple[list[LabelRow], list[RowRefusal]]:
    """Divide a set into labels that go on, one a recording, and those that do not."""
    said: dict[str, set[str]] = {}
    for row in labels.labels:
        said.setdefault(row.recording_id, set()).add(row.label)
    good: dict[str, LabelRow] = {}
    refused: list[RowRefusal] = []
    for row in labels.labels:
        if row.recording_id not in rows:
            kind, fix = "unknown recording", "publish the recording first"
        elif len(said[row.recording_id]) > 1:
            kind, fix = "contradictory labels", "say one label for each recording"
        elif row.label not in project.labels:
            kind, fix = "unknown class", f"use one of: {', '.join(project.labels)}"
        else:
            good.setdefault(row.recording_id, row)
            continue
        refused.append(RowRefusal(row.recording_id, row.label, kind, fix))
    return list(good.values()), refused


def _set_aside(
    store: Store, project: str, set_id: str, reason: str, refused: list[RowRefusal]
) -> None:
    """Refuse a whole set; it stays where it was handed in."""
    name = receipt_id(set_id)
    uri = _keep_refused(store, project, set_id, reason, refused)
    receipts.write(store, project, Receipt(Consumer.LABELS, name, "quarantined", uri, reason))


def _keep_refused(
    store: Store, project: str, set_id: str, reason: str, refused: list[RowRefusal]
) -> str:
    content = {
        "labels": set_id,
        "reason": reason,
        "set": store.uri(layout.sent_label_set(project, set_id)),
        "refused": len(refused),
        "counts": Counter(refusal.kind for refusal in refused),
        "refusals": [asdict(refusal) for refusal in refused],
    }
    return store.put_json(_reason_key(project, set_id), content)


def _recall(store: Store, project: str, set_id: str) -> LabelOutcome:
    receipt = receipts.read(store, project, Consumer.LABELS, receipt_id(set_id))
    assert receipt is not None
    kept: dict[str, Any] = store.get_json_or(_reason_key(project, set_id), {"refused": 0})
    done = receipt.status == "done"
    accepted = store.get_json(layout.accepted_labels(project, set_id)) if done else {"labels": []}
    return LabelOutcome(
        status=("unchanged" if receipt.reason else "applied") if done else "quarantined",
        labels=set_id,
        dataset=receipt.output if done else "",
        reason=receipt.reason,
        accepted=len(accepted["labels"]),
        refused=kept["refused"],
    )


def _reason_key(project: str, set_id: str) -> str:
    return layout.quarantine_reason(project, layout.labels_input(receipt_id(set_id)))
