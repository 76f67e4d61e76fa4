"""The history of a project's data: versions along their parents, every batch and label set."""

from __future__ import annotations

from typing import Any

from tinyops.data.datasets.dataset import current_version, read_manifest
from tinyops.data.ingest import inbox
from tinyops.data.labels import labels
from tinyops.projects import Project
from tinyops.store import Consumer, Store, receipts


def history(store: Store, project: Project) -> dict[str, list[dict[str, Any]]]:
    """`versions` newest first; `batches` and `labels` with status done, quarantined or waiting."""
    versions: list[dict[str, Any]] = []
    version = current_version(store, project)
    while version:
        manifest = read_manifest(store, project, version)
        relabelled = manifest.get("relabelled")
        versions.append(
            {
                "version": version,
                "parent": manifest["parent"],
                "created_at": manifest["created_at"],
                "simulated": manifest["simulated"],
                "by_part": manifest["counts"]["by_part"],
                "by_label": manifest["counts"]["by_label"],
                "batches": [entry["batch"] for entry in manifest["batches"]],
                "relabelled": relabelled["recordings"] if relabelled else 0,
                "unfit": manifest.get("unfit", ""),
                "removed": (manifest.get("removed") or {"why": ""})["why"],
                "forgotten": sum(one["recordings"] for one in manifest.get("forgotten", ())),
            }
        )
        version = manifest["parent"]
    return {
        "versions": versions,
        "batches": _inputs(
            store, project, Consumer.INGEST, "batch", inbox.outstanding_batches(store, project)
        ),
        "labels": _inputs(
            store, project, Consumer.LABELS, "labels", labels.outstanding_labels(store, project)
        ),
    }


def _inputs(
    store: Store, project: Project, consumer: Consumer, kind: str, outstanding: list[str]
) -> list[dict[str, Any]]:
    """What became of each input, in the order in which they were handled."""
    rows: list[dict[str, Any]] = []
    for name in sorted(receipts.handled(store, project.name, consumer)):
        receipt = receipts.read(store, project.name, consumer, name)
        if receipt:
            rows.append(
                {
                    kind: name,
                    "status": receipt.status,
                    "dataset": receipt.output if receipt.status == "done" else "",
                    "reason": receipt.reason,
                    "at": receipt.at,
                }
            )
    waiting = {"status": "waiting", "dataset": "", "reason": "", "at": ""}
    rows += [{kind: name} | waiting for name in outstanding]
    return sorted(rows, key=lambda row: row["at"] or "~")
