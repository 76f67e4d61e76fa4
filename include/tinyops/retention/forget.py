"""Forget a machine: no object of the project holds its samples afterwards, and it stays away.

Each step looks at what is there and does what is left, in an order that leaves no manifest with
files that are gone; a run that was cut off anywhere is run again. The list of forgotten machines
comes first, so nothing of it comes in meanwhile; the request, which names it, goes last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tinyops.data.datasets.cache import CacheError
from tinyops.data.datasets.dataset import current_version, keys_of, open_dataset, read_manifest
from tinyops.data.datasets.find_version import version_names
from tinyops.data.datasets.local_copies import drop_copies
from tinyops.data.ingest import staging
from tinyops.data.ingest.forgotten import remember
from tinyops.data.ingest.reduce import holds, reduced
from tinyops.data.ingest.upkeep import UpkeepRequest
from tinyops.data.ingest.version import make_without, point_to, publish_manifest
from tinyops.projects import Project
from tinyops.projects.dag_ids import MAINTAIN
from tinyops.retention.forget_documents import scrub_documents
from tinyops.retention.forget_frames import remove_frames
from tinyops.retention.forget_models import clean_candidates
from tinyops.retention.forget_plan import ForgetPlan, plan_forget, search_files
from tinyops.retention.forget_sent import clean_batches, clean_label_sets, clean_quarantine
from tinyops.store import ObjectMissing, ReportKind, Store, layout
from tinyops.training.feature_cache import drop_features

STEPS = 9

Say = Callable[[str], None]


def forget(
    store: Store, project: Project, request: UpkeepRequest, say: Say = lambda step: None
) -> dict[str, Any]:
    """Carry a request out; `say` hears each of the STEPS as it begins.

    Returns
    -------
    dict
        The report, which names neither the machine nor its recordings, and its `uri`.

    Raises
    ------
    StoreUnavailable
        S3 does not answer; run it again.
    """
    machine = request.machine
    remember(store, project.name, machine)
    say("looking for its recordings")
    plan = _plan(store, project, request)
    counts: Counter[str] = Counter()
    say("making a dataset version without it")
    new = _new_version(store, project, plan, request.id)
    say("rewriting older versions")
    _reduce_versions(store, project, plan, request)
    say("cleaning candidates and releases")
    counts += clean_candidates(store, project, plan, request)
    say("removing its files")
    counts += _remove_files(store, project, plan)
    say("cleaning batches and quarantine")
    staging.sweep(store, project)
    counts += clean_batches(store, project.name, plan)
    counts += clean_quarantine(store, plan)
    say("cleaning labels")
    counts += clean_label_sets(store, project.name, plan)
    say("removing frames of its devices")
    counts += remove_frames(store, project.name, plan.devices)
    say("cleaning documents")
    counts += scrub_documents(store, project, plan)
    return _report(store, project, request, plan, new, counts)


def _plan(store: Store, project: Project, request: UpkeepRequest) -> ForgetPlan:
    key = layout.request_plan(project.name, request.id)
    there = store.get_json_or(key, None)
    if there is not None:
        return ForgetPlan.from_dict(there)
    plan = plan_forget(store, project.name, request.machine)
    plan = search_files(store, project.name, plan)
    store.put_json(key, plan.to_dict())
    return plan


def _new_version(store: Store, project: Project, plan: ForgetPlan, request: str) -> str:
    version = current_version(store, project)
    if version is None:
        return ""
    current = open_dataset(store, project, version)
    if version not in plan.versions or not _holds(store, current.manifest, plan.machine):
        return version
    manifest = make_without(store, project, current, {plan.machine}, request)
    publish_manifest(store, manifest)
    point_to(store, manifest)
    return str(manifest["version"])


def _reduce_versions(
    store: Store, project: Project, plan: ForgetPlan, request: UpkeepRequest
) -> None:
    for version in plan.versions:
        manifest = read_manifest(store, project, version)
        if not _holds(store, manifest, plan.machine):
            continue
        before = sum(file["rows"] for file in manifest["files"])
        left = reduced(store, manifest, {plan.machine})
        entry = {
            "request": request.id,
            "at": request.at,
            "recordings": before - sum(file["rows"] for file in left["files"]),
        }
        content = left | {"forgotten": [*manifest.get("forgotten", ()), entry]}
        store.put_json(layout.dataset_manifest(project.name, version), content)


def _holds(store: Store, manifest: dict[str, Any], machine: str) -> bool:
    try:
        return holds(store, manifest, {machine})
    except (CacheError, ObjectMissing):
        # Its files went when another request was carried out half way: nothing to read any more.
        return False


def _remove_files(store: Store, project: Project, plan: ForgetPlan) -> Counter[str]:
    """Remove the files that held it, unless a version still refers to one, and local copies."""
    kept: set[str] = set()
    for version in version_names(store, project):
        key = layout.dataset_manifest(project.name, version)
        kept |= keys_of(store.get_json_or(key, {}))
    keys = [layout.dataset_file(project.name, sha256) for sha256 in plan.files]
    counts: Counter[str] = Counter()
    for key in (*keys, *plan.labels):
        if key not in kept:
            counts["dataset_files_removed"] += store.exists(key)
            store.delete(key)
    drop_copies(plan.files)
    counts["local_feature_sets_removed"] += drop_features(plan.machine)
    for version in plan.versions:
        rows = list(store.objects(layout.predictions_of(project.name, version)))
        # The summary says that predictions are complete, so it goes first.
        for row in sorted(rows, key=lambda row: layout.file_name(row.key) != layout.SUMMARY):
            store.delete(row.key)
            counts["prediction_files_removed"] += 1
    return counts


def _report(
    store: Store,
    project: Project,
    request: UpkeepRequest,
    plan: ForgetPlan,
    new: str,
    counts: Counter[str],
) -> dict[str, Any]:
    content = {
        "request": request.id,
        "project": project.name,
        "by": request.by,
        "asked_at": request.at,
        "at": datetime.now(UTC).isoformat(),
        "recordings": len(plan.recordings),
        "versions": list(plan.versions),
        "current": new,
        "unfit": read_manifest(store, project, new).get("unfit", "") if new else "",
        "candidates": list(plan.candidates),
        "self_test_removed": list(plan.tested),
        "releases": list(plan.releases),
        "running": plan.running or {},
        "devices_forgotten": len(plan.devices),
        "batches": len(plan.batches),
        "unreadable": list(plan.unreadable),
        "done": dict(sorted(counts.items())),
        "remains": _remains(plan),
    }
    uri = store.put_json(layout.removal(project.name, ReportKind.FORGET, request.id), content)
    return content | {"uri": uri}


def _remains(plan: ForgetPlan) -> list[str]:
    """What is out of reach of this operation, in words."""
    found = []
    if plan.candidates:
        found.append(
            "models: what they learnt cannot be taken out of their weights; train again, release, "
            "and delete them if they must go"
        )
    if set(plan.tested) & set(plan.releases):
        found.append(
            "self-test windows in signed images of "
            f"{', '.join(sorted(set(plan.tested) & set(plan.releases)))}: the images stay in tuf/ "
            f"while a pointer or a device needs them, then `{MAINTAIN}` removes them; boards "
            "and gateways keep their copy until they take another release"
        )
    if plan.unreadable:
        found.append("files that cannot be read may hold its recordings: look at `unreadable`")
    found.append("copies of dataset files in the caches of other machines, which nothing names now")
    return found
