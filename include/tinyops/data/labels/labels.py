"""What has been said about recordings: label sets in order, and the newest word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tinyops.data.datasets.cache import cached
from tinyops.data.datasets.dataset import Dataset
from tinyops.data.datasets.index import read_index
from tinyops.data.labels.label_set import LabelSet, Source, parse_labels
from tinyops.projects import Project
from tinyops.store import Consumer, Store, layout, receipts


@dataclass(frozen=True)
class Label:
    """One word about one recording; `at` is UTC, `set_id` the set that says it."""

    recording_id: str
    label: str
    source: Source
    author: str
    at: datetime
    set_id: str
    request: str = ""
    note: str = ""


AcceptedSets = dict[str, LabelSet]
"""Set id -> its accepted labels, oldest first by (time given, id)."""


def outstanding_labels(store: Store, project: Project | str) -> list[str]:
    """Names of the sets without a receipt, oldest first."""
    name = _name(project)
    there = sorted(
        (row.last_modified, set_id)
        for row in store.objects(layout.label_sets(name))
        if (set_id := layout.label_set_id(name, row.key)) is not None
    )
    done = receipts.handled(store, name, Consumer.LABELS) if there else set()
    return [set_id for _, set_id in there if receipt_id(set_id) not in done]


def receipt_id(set_id: str) -> str:
    """The name that receipts and quarantine use: the set's own, or a hash of a bad one."""
    return receipts.id_of(set_id, bool(re.fullmatch(r"[0-9a-f]{16}", set_id)))


def accepted_sets(store: Store, project: Project | str) -> AcceptedSets:
    """Every set of which ingest accepted something, with the labels that it accepted."""
    name = _name(project)
    found = {
        set_id: row.key
        for row in store.objects(layout.accepted_labels(name))
        if (set_id := layout.accepted_labels_id(name, row.key)) is not None
    }
    return in_order({set_id: parse_labels(store.get(key), key) for set_id, key in found.items()})


def in_order(sets: AcceptedSets) -> AcceptedSets:
    """Sorted by when the labels were given; the id decides between equal times."""
    return dict(sorted(sets.items(), key=lambda item: (item[1].at, item[0])))


def current_labels(store: Store, project: Project | str) -> dict[str, Label]:
    """The newest label of every recording that any set speaks of, audits included."""
    return newest_labels(accepted_sets(store, project))


def newest_labels(sets: AcceptedSets) -> dict[str, Label]:
    """As current_labels, of sets in order."""
    return {label.recording_id: label for label in _said(sets)}


def training_labels(sets: AcceptedSets) -> dict[str, Label]:
    """The newest label of every recording that counts as truth: audits only once adopted."""
    truth: dict[str, Label] = {}
    audits: dict[str, Label] = {}
    for set_id, one in sets.items():
        said = {label.recording_id: label for label in _said({set_id: one})}
        if one.source == "audit":
            audits |= said
        else:
            truth |= said
            audits = {name: label for name, label in audits.items() if name not in said}
        if one.adopt_audits:
            truth |= audits
            audits = {}
    return truth


def label_history(store: Store, dataset: Dataset, recording_id: str) -> list[dict[str, Any]]:
    """Who said what of a recording and when, oldest first; the first is what it came with."""
    project = dataset.manifest["project"]
    told: list[dict[str, Any]] = []
    for file in dataset.manifest["files"]:
        rows = read_index(cached(store, file["index_key"], file["index_sha256"]))
        for row in rows:
            if row.recording_id == recording_id:
                batch = file["batch"]
                receipt = receipts.read(store, project, Consumer.INGEST, batch)
                at = receipt.at if receipt else ""
                told.append({"label": row.label, "source": "batch", "author": batch, "at": at})
    for label in _said(accepted_sets(store, project)):
        if label.recording_id == recording_id:
            told.append(
                {
                    "label": label.label,
                    "source": label.source,
                    "author": label.author,
                    "at": label.at.isoformat(),
                    "set": label.set_id,
                    "request": label.request,
                    "note": label.note,
                }
            )
    return told


def _said(sets: AcceptedSets) -> Iterable[Label]:
    for set_id, one in sets.items():
        for row in one.labels:
            yield Label(
                recording_id=row.recording_id,
                label=row.label,
                source=one.source,
                author=one.author,
                at=one.at,
                set_id=set_id,
                request=one.request,
                note=row.note or one.note,
            )


def _name(project: Project | str) -> str:
    return project if isinstance(project, str) else project.name
