"""What may not be removed, however old it is: something that is in use needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyops.data.datasets.dataset import current_version
from tinyops.data.labels.label_request import open_requests
from tinyops.lineage.records import Records
from tinyops.store import Pointer, Store, layout


@dataclass(frozen=True)
class Needs:
    """Names of what stays, each with why."""

    candidates: dict[str, str]
    datasets: dict[str, str]
    verdicts: dict[str, str]


def needs(records: Records) -> Needs:
    """What releases, devices, pointers and open requests of a project rest on."""
    store, project = records.store, records.project
    candidates: dict[str, str] = {}
    for version, release in records.releases.items():
        candidates[release.candidate] = f"release {version}"
    for name in (Pointer.CANDIDATE, Pointer.CHAMPION):
        content = _pointer(store, project, name)
        if run := content.get("candidate") or content.get("version"):
            candidates.setdefault(str(run), f"pointer {name}")
    # Of all gateways that list a device: one of them may be wrong.
    for row in records.reported:
        for run in filter(None, (row.runs, row.confirmed)):
            candidates.setdefault(run, f"device {row.device}")
    datasets = {
        release.dataset: f"release {name}"
        for name, release in records.releases.items()
        if release.dataset
    }
    for run, why in candidates.items():
        if run in records.candidates:
            datasets.setdefault(records.candidates[run].dataset, f"candidate {run} ({why})")
    if current := current_version(store, project):
        datasets[current] = f"pointer {Pointer.DATASET}"
    verdicts = {
        str(row["id"]): f"device {device}"
        for device, row in (_pointer(store, project, Pointer.VERDICT).get("devices") or {}).items()
        if "id" in row
    }
    for request in open_requests(store, project):
        verdicts[request.verdict] = f"open request {request.id}"
    return Needs(candidates, datasets, verdicts)


def _pointer(store: Store, project: str, name: Pointer) -> dict[str, Any]:
    content: dict[str, Any] = store.get_json_or(layout.pointer(project, name), {})
    return content
