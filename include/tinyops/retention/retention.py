"""Apply `retention.keep`: plan, report, remove, manifests before their files.

Cut off anywhere, the next run plans again and removes what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tinyops.data.datasets.dataset import read_manifest
from tinyops.data.datasets.local_copies import drop_copies
from tinyops.data.quality.docs import drop_pages
from tinyops.projects import Project
from tinyops.retention.expired import Expired, expired, report_of
from tinyops.retention.sweep import unreferenced
from tinyops.store import ReportKind, Store, layout


@dataclass(frozen=True)
class Plan:
    """What would go, in the order of going."""

    items: tuple[Expired, ...]

    @property
    def bytes(self) -> int:
        """Of all objects."""
        return sum(item.bytes for item in self.items)

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        totals: Counter[str] = Counter()
        for item in self.items:
            totals[item.kind] += item.bytes
        return {
            "items": [item.to_dict() for item in self.items],
            "bytes": self.bytes,
            "bytes_by_kind": dict(sorted(totals.items())),
            "objects": sum(len(item.keys) for item in self.items),
        }


def plan_retention(store: Store, project: Project, now: datetime | None = None) -> Plan:
    """What may go now; nothing is changed."""
    now = now or datetime.now(UTC)
    items = expired(store, project, now)
    if project.retention.keep.datasets_days is not None:
        versions = {item.name for item in items if item.kind == "dataset"}
        items += unreferenced(store, project.name, versions, now)
    return Plan(tuple(items))


def apply_retention(
    store: Store,
    project: Project,
    report_id: str,
    now: datetime | None = None,
    say: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Remove what may go and leave a report of it; `say` hears (things gone, things in all).

    Returns
    -------
    {uri, objects, bytes, bytes_by_kind}
    """
    now = now or datetime.now(UTC)
    plan = plan_retention(store, project, now)
    key = layout.removal(project.name, ReportKind.RETENTION, report_id)
    before = store.get_json_or(key, {"items": [], "bytes": 0, "objects": 0})
    content = _joined(before, plan.to_dict()) | {
        "project": project.name,
        "at": now.isoformat(),
        "keep": project.retention.keep.model_dump(exclude_none=True),
    }
    store.put_json(key, content | {"state": "begun"})
    for number, item in enumerate(plan.items):
        _remove(store, project, item, now, report_id)
        say(number + 1, len(plan.items))
    # Of the whole report: a run that was cut off may have removed pages and not said so.
    reports = [report_of(one["name"]) for one in content["items"] if one["kind"] == "report"]
    if pages := [name for kind, name in reports if kind == ReportKind.DATA_DOCS]:
        drop_pages(store, project, pages)
    uri = store.put_json(key, content | {"state": "done"})
    kept = ("objects", "bytes", "bytes_by_kind")
    return {"uri": uri} | {name: content[name] for name in kept}


def _remove(store: Store, project: Project, item: Expired, now: datetime, report: str) -> None:
    if item.kind == "dataset":
        manifest = read_manifest(store, project.name, item.name)
        store.put_json(item.keys[0], tombstone(manifest, item.why, now, report))
        return
    for key in item.keys:
        store.delete(key)
    if item.kind == "dataset file":
        hashes = (layout.dataset_file_sha256(project.name, key) for key in item.keys)
        drop_copies(filter(None, hashes))


def tombstone(manifest: dict[str, Any], why: str, now: datetime, report: str) -> dict[str, Any]:
    """A manifest that says what the version was and why its recordings are gone."""
    return manifest | {
        "removed": {"why": why, "at": now.isoformat(), "report": report},
        "files": [],
        "relabelled": None,
        "split": manifest["split"] | {"groups": {}},
        "counts": manifest["counts"] | {"by_machine": {}},
    }


def _joined(before: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    """A plan with what the same request has removed before it was cut off."""
    # What was removed in part is less now: its first entry says what it was.
    named = {(item["kind"], item["name"]) for item in before["items"]}
    items = [*before["items"]]
    items += [one for one in plan["items"] if (one["kind"], one["name"]) not in named]
    totals: Counter[str] = Counter()
    for item in items:
        totals[item["kind"]] += item["bytes"]
    return {
        "items": items,
        "bytes": sum(totals.values()),
        "bytes_by_kind": dict(sorted(totals.items())),
        "objects": sum(item["objects"] for item in items),
    }
