"""The history of a project's data: versions along their parents, and every batch."""

from __future__ import annotations

from typing import Any

from tinyops.data.dataset import current_version, open_dataset
from tinyops.data.inbox import CONSUMER, outstanding_batches
from tinyops.projects import Project
from tinyops.store import Store, receipts


def history(store: Store, project: Project) -> dict[str, list[dict[str, Any]]]:
    """`versions` newest first; `batches` with status done, quarantined or waiting."""
    versions: list[dict[str, Any]] = []
    version = current_version(store, project)
    while version:
        manifest = open_dataset(store, project, version).manifest
        versions.append(
            {
                "version": version,
                "parent": manifest["parent"],
                "created_at": manifest["created_at"],
                "simulated": manifest["simulated"],
                "by_part": manifest["counts"]["by_part"],
                "by_label": manifest["counts"]["by_label"],
                "batches": [entry["batch"] for entry in manifest["batches"]],
            }
        )
        version = manifest["parent"]
    batches: list[dict[str, Any]] = []
    for name in sorted(receipts.handled(store, project.name, CONSUMER)):
        receipt = receipts.read(store, project.name, CONSUMER, name)
        if receipt:
            done = receipt.status == "done"
            batches.append(
                {
                    "batch": name,
                    "status": receipt.status,
                    "dataset": receipt.output if done else "",
                    "reason": receipt.reason,
                    "at": receipt.at,
                }
            )
    waiting = {"status": "waiting", "dataset": "", "reason": "", "at": ""}
    batches += [{"batch": name} | waiting for name in outstanding_batches(store, project)]
    return {"versions": versions, "batches": sorted(batches, key=lambda row: row["at"] or "~")}
