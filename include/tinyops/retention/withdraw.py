"""Images in the TUF repository that hold self-test windows of a forgotten machine.

They are removed once nothing needs them: neither the pointer `release` (version on trial and stable
version) nor a device names the release. Signed metadata may still list them; nobody fetches them.
"""

from __future__ import annotations

from typing import Any

from tinyops.lineage.records import Records
from tinyops.retention.forget_models import remove_self_test
from tinyops.store import Pointer, Store, edge_layout, layout


def withdraw_images(store: Store, project: str) -> dict[str, list[str]]:
    """Remove what may go; harmless when nothing may.

    What a release stage wrote while the machine was being forgotten is removed here too.

    Returns
    -------
    {withdrawn: releases whose signed images have gone now, waiting: those still in use}
    """
    records = Records(store, project)
    withdrawn, waiting = [], []
    for run in records.candidates:
        content = store.get_json(layout.candidate_manifest(project, run))
        if not layout.lost_self_test(content):
            continue
        remove_self_test(store, project, run)
        if run not in records.releases:
            continue
        if _in_use(records, run):
            waiting.append(run)
            continue
        keys = [key for key in _signed(store, project, run) if store.exists(key)]
        for key in keys:
            store.delete(key)
        if keys:
            withdrawn.append(run)
    return {"withdrawn": withdrawn, "waiting": waiting}


def _in_use(records: Records, release: str) -> bool:
    key = layout.pointer(records.project, Pointer.RELEASE)
    pointer: dict[str, Any] = records.store.get_json_or(key, {})
    running = {name for one in records.reported for name in (one.runs, one.confirmed)}
    return release in {*running, pointer.get("version"), pointer.get("stable")}


def _signed(store: Store, project: str, release: str) -> list[str]:
    """Keys of a release's images in the repository, which keeps files under their hash."""
    manifest: dict[str, Any] = store.get_json(layout.release_manifest(project, release))
    return [
        edge_layout.tuf_target(image["path"], image["sha256"])
        for target in manifest.get("targets", {}).values()
        for image in target["images"]
    ]
