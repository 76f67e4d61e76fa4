"""What is older than `retention.keep` says and needed by nothing, one class of data at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tinyops.data.ingest import inbox
from tinyops.data.labels import labels
from tinyops.fleet.gateways import gateway_names
from tinyops.lineage.records import Records
from tinyops.monitoring.frame_inbox import without_receipt
from tinyops.monitoring.judge import LOOK_BACK
from tinyops.projects import Project, project_names
from tinyops.projects.retention_section import Keep
from tinyops.retention.needs import Needs, needs
from tinyops.store import (
    Consumer,
    ObjectInfo,
    ObjectMissing,
    ObjectTooLarge,
    ReportKind,
    Store,
    edge_layout,
    layout,
    receipts,
)

KEPT_REPORTS = (ReportKind.RETENTION, ReportKind.FORGET)
"""Reports of what was removed: they are what is left of it."""

LARGEST_EVENT = 64 << 10
"""Bytes; a larger event is nobody's."""


@dataclass(frozen=True)
class Expired:
    """One thing that may go: its objects, the one that says that it is whole first."""

    kind: str
    name: str
    why: str
    keys: tuple[str, ...]
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """JSON content, with the number of objects in place of their keys."""
        kept = ("kind", "name", "why", "bytes")
        return {name: getattr(self, name) for name in kept} | {"objects": len(self.keys)}


@dataclass(frozen=True)
class _Look:
    store: Store
    project: Project
    records: Records
    needs: Needs
    now: datetime

    @property
    def keep(self) -> Keep:
        return self.project.retention.keep


def expired(store: Store, project: Project, now: datetime) -> list[Expired]:
    """All that may go, by class; a dataset version is its manifest, its files are swept apart.

    Only classes that `retention.keep` names are looked at.
    """
    records = Records(store, project.name)
    look = _Look(store, project, records, needs(records), now)
    classes: dict[str, Callable[[_Look, float], Iterator[Expired]]] = {
        "incoming_days": _incoming,
        "quarantine_days": _quarantine,
        "labels_days": _labels,
        "datasets_days": _datasets,
        "candidates_days": _candidates,
        "predictions_days": _predictions,
        "frames_days": _frames,
        "events_days": _events,
        "reports_days": _reports,
    }
    found: list[Expired] = []
    for name, find in classes.items():
        days = getattr(look.keep, name)
        if days is not None:
            found += find(look, days)
    return found


def _incoming(look: _Look, days: float) -> Iterator[Expired]:
    handled = receipts.handled(look.store, look.project.name, Consumer.INGEST)
    for batch, rows in _folders(look.store, layout.incoming(look.project.name)):
        if inbox.input_id(batch) in handled and _old(look, rows, days):
            why = f"handled, and older than {days:g} days"
            yield _thing("incoming", batch, why, rows, layout.READY)


def _quarantine(look: _Look, days: float) -> Iterator[Expired]:
    for name, rows in _folders(look.store, layout.quarantines(look.project.name)):
        samples = [row for row in rows if layout.file_name(row.key) != layout.REASON]
        if samples and _old(look, samples, days):
            yield _thing("quarantine", name, f"refused more than {days:g} days ago", samples)


def _labels(look: _Look, days: float) -> Iterator[Expired]:
    handled = receipts.handled(look.store, look.project.name, Consumer.LABELS)
    for row in look.store.objects(layout.label_sets(look.project.name)):
        name = layout.label_set_id(look.project.name, row.key)
        if name is None:
            continue
        if labels.receipt_id(name) in handled and _old(look, [row], days):
            yield _thing("labels", name, f"handled, and older than {days:g} days", [row])


def _datasets(look: _Look, days: float) -> Iterator[Expired]:
    newest = sorted(
        (one for one in look.records.versions.values() if not one.removed),
        key=lambda one: one.created_at,
        reverse=True,
    )
    before = look.now - timedelta(days=days)
    for one in newest[look.keep.dataset_versions :]:
        if one.version in look.needs.datasets:
            continue
        if datetime.fromisoformat(one.created_at) < before:
            key = layout.dataset_manifest(look.project.name, one.version)
            why = f"older than {days:g} days and superseded"
            yield Expired("dataset", one.version, why, (key,), 0)


def _candidates(look: _Look, days: float) -> Iterator[Expired]:
    for run, rows in _folders(look.store, layout.candidate(look.project.name)):
        if run not in look.needs.candidates and _old(look, rows, days):
            why = f"older than {days:g} days and never released"
            yield _thing("candidate", run, why, rows, layout.CANDIDATE_MANIFEST)


def _predictions(look: _Look, days: float) -> Iterator[Expired]:
    project = look.project.name
    for dataset in look.store.folders(layout.predictions_of(project)):
        for model, rows in _folders(look.store, layout.predictions_of(project, dataset)):
            if _old(look, rows, days):
                name, why = f"{dataset}/{model}", f"older than {days:g} days"
                yield _thing("predictions", name, why, rows, layout.SUMMARY)


def _frames(look: _Look, days: float) -> Iterator[Expired]:
    project = look.project.name
    # Verdicts look back a week, so younger frames are in use whatever the project says.
    before = f"{look.now - max(timedelta(days=days), LOOK_BACK + timedelta(days=1)):%Y-%m-%d}"
    why = f"judged, and older than {days:g} days"
    for day, rows in _folders(look.store, layout.frames(project)):
        date = layout.frames_date(day)
        if date is None or date >= before:
            continue
        waiting = without_receipt(look.store, project, (row.key for row in rows))
        gone = [row for row in rows if row.key not in waiting]
        if gone:
            yield _thing("frames", date, why, gone)
    for day, rows in _folders(look.store, layout.frame_tables(project)):
        date = layout.frames_date(day)
        if date is not None and date < before:
            yield _thing("frame tables", date, why, rows)


def _events(look: _Look, days: float) -> Iterator[Expired]:
    """Events about the project, and those that are about no project."""
    before = look.now - timedelta(days=days)
    others = set(project_names()) - {look.project.name}
    for gateway in gateway_names(look.store):
        rows = look.store.objects(edge_layout.gateway_events(gateway))
        old = [row for row in rows if row.last_modified < before]
        gone = [row for row in old if _event_project(look.store, row) not in others]
        if gone:
            yield _thing("events", gateway, f"older than {days:g} days", gone)


def _event_project(store: Store, row: ObjectInfo) -> str:
    """Project of an event; "" where it names none or cannot be read."""
    try:
        content = json.loads(store.get(row.key, LARGEST_EVENT))
    except (ObjectTooLarge, ObjectMissing, ValueError, RecursionError):
        return ""
    project = content.get("project") if isinstance(content, dict) else ""
    return project if isinstance(project, str) else ""


def _reports(look: _Look, days: float) -> Iterator[Expired]:
    for kind in look.store.folders(layout.reports(look.project.name)):
        if kind in KEPT_REPORTS:
            continue
        for name, rows in _folders(look.store, layout.reports(look.project.name, kind)):
            if name in look.needs.verdicts or not _old(look, rows, days):
                continue
            yield _thing("report", _report_name(kind, name), f"older than {days:g} days", rows)


def _report_name(kind: str, report: str) -> str:
    return f"{kind}/{report}"


def report_of(name: str) -> tuple[str, str]:
    """(kind, id) of an expired report by its name."""
    kind, _, report = name.partition("/")
    return kind, report


def _folders(store: Store, prefix: str) -> Iterator[tuple[str, list[ObjectInfo]]]:
    """Objects by the folder below `prefix` that they are in, one folder in memory at a time."""
    name, rows = "", list[ObjectInfo]()
    for row in store.objects(prefix):
        folder = layout.folder_below(prefix, row.key)
        if folder is None:
            continue
        if folder != name and rows:
            yield name, rows
            rows = []
        name = folder
        rows.append(row)
    if rows:
        yield name, rows


def _old(look: _Look, rows: list[ObjectInfo], days: float) -> bool:
    newest = max(row.last_modified for row in rows)
    return newest < look.now - timedelta(days=days)


def _thing(kind: str, name: str, why: str, rows: list[ObjectInfo], mark: str = "") -> Expired:
    first = [row.key for row in rows if mark and layout.file_name(row.key) == mark]
    rest = [row.key for row in rows if row.key not in first]
    return Expired(kind, name, why, (*first, *rest), sum(row.size for row in rows))
