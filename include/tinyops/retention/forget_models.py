"""Candidates and releases of models that learnt from a forgotten machine."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import numpy as np

from tinyops.data.ingest.upkeep import UpkeepRequest
from tinyops.projects import Project
from tinyops.releases.errors import SealBroken, SigningKeyError
from tinyops.releases.keys import signing_keys
from tinyops.releases.seal import Seal
from tinyops.retention.forget_plan import ForgetPlan
from tinyops.retention.scrub import Names, scrub_json, scrub_text
from tinyops.store import Consumer, Receipt, Store, layout, receipts, sha256_hex
from tinyops.training import registry


def names_of(project: Project, plan: ForgetPlan) -> Names:
    """What is taken out of documents."""
    common = {*project.labels, "train", "validation", "test", "gap", "none"}
    return Names(plan.machine, frozenset(plan.recordings), frozenset(common))


def clean_candidates(
    store: Store, project: Project, plan: ForgetPlan, request: UpkeepRequest
) -> Counter[str]:
    """Take the machine's windows out of candidates and mark them; the mark comes last.

    Where the test part held the machine, the self-test goes whole and no release can be built from
    the candidate any more.
    """
    counts: Counter[str] = Counter()
    for run in plan.candidates:
        key = layout.candidate_manifest(project.name, run)
        manifest: dict[str, Any] | None = store.get_json_or(key, None)
        if manifest is None:
            continue
        seal = _seal_of(store, key)
        marks = manifest.get("forgotten", [])
        if any(mark["request"] == request.id for mark in marks):
            continue
        folder = layout.candidate(project.name, run)
        files = dict(manifest.get(layout.FILES, {}))
        counts["reference_windows_removed"] += _clean_reference(store, folder, plan.machine, files)
        mark = {"request": request.id, "at": request.at}
        content = manifest | {"forgotten": [*marks, mark], layout.FILES: files}
        if run in plan.tested:
            counts["self_test_files_removed"] += remove_self_test(store, project.name, run)
            content |= layout.SELF_TEST_REMOVED
        names = names_of(project, plan)
        documents = _clean_documents(store, folder, names, request)
        if tracked := manifest.get("mlflow_run"):
            registry.mark_forgotten(str(tracked), request.id, documents)
        cleaned = scrub_json(content, names)
        if seal:
            seal.put_json(store, key, cleaned)
        else:
            store.put_json(key, cleaned)
        counts["candidates_marked"] += 1
    return counts


def _seal_of(store: Store, key: str) -> Seal | None:
    """The seal that a manifest carries; None where it is broken, or its key is elsewhere.

    What is not sealed now must not be sealed by being cleaned: no release is built from it.
    """
    try:
        seal = signing_keys().seal()
        seal.get_json(store, key)
    except (SigningKeyError, SealBroken):
        return None
    return seal


def remove_self_test(store: Store, project: str, run: str) -> int:
    """Remove windows and images that hold them of a candidate and its release; how many objects.

    A candidate that was not released yet is refused for it.
    """
    reason = "its self-test windows were of a machine that was forgotten: train again"
    if not store.exists(layout.release_manifest(project, run)):
        receipts.write(store, project, Receipt(Consumer.RELEASE, run, "refused", reason=reason))
    keys = [layout.candidate(project, run) + name for name in layout.SELF_TEST]
    for row in store.objects(layout.release(project, run)):
        if layout.holds_self_test(row.key):
            keys.append(row.key)
    there = [key for key in keys if store.exists(key)]
    for key in there:
        store.delete(key)
    return len(there)


def _clean_reference(store: Store, folder: str, machine: str, files: dict[str, str]) -> int:
    """Remove the machine's windows; how many. In `files` its hash follows, if it was the right one
    before."""
    key = folder + layout.REFERENCE_WINDOWS
    if not store.exists(key):
        return 0
    data = store.get(key)
    with np.load(io.BytesIO(data), allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    kept = arrays["groups"] != machine
    if kept.all():
        return 0
    # Texts are of the width of the longest, which may be what has gone.
    buffer = io.BytesIO()
    left = {name: np.array(array[kept].tolist(), _kind(array)) for name, array in arrays.items()}
    left["features"] = arrays["features"][kept]
    np.savez_compressed(buffer, **left)  # type: ignore[arg-type]
    store.put(key, buffer.getvalue())
    if files.get(layout.REFERENCE_WINDOWS) == sha256_hex(data):
        files[layout.REFERENCE_WINDOWS] = sha256_hex(buffer.getvalue())
    return int((~kept).sum())


def _kind(array: np.ndarray[Any, Any]) -> Any:
    return np.str_ if array.dtype.kind == "U" else array.dtype


def _clean_documents(
    store: Store, folder: str, names: Names, request: UpkeepRequest
) -> dict[str, bytes]:
    """Card and metrics without the names; the card says what happened. Returns both."""
    card, metrics = folder + layout.CARD, folder + layout.METRICS
    if not store.exists(card) or not store.exists(metrics):
        return {}
    heading = f"## Forgotten ({request.id})"
    text = scrub_text(store.get(card).decode(), names)
    if heading not in text:
        text += (
            f"\n{heading}\n\nAt {request.at[:19]} a machine or person was forgotten whose "
            "recordings this model learnt from or was tested on. The figures are with them; the "
            "recordings, and the dataset version as it was, are gone.\n"
        )
    store.put(card, text.encode())
    store.put_json(metrics, scrub_json(store.get_json(metrics), names))
    return {layout.CARD: store.get(card), layout.METRICS: store.get(metrics)}
