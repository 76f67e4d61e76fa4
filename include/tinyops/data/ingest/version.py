"""Make a dataset version: the parent's files and one more, or its files under other labels."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tinyops.data.datasets.counts import counts
from tinyops.data.datasets.dataset import Dataset
from tinyops.data.datasets.index import IndexRow, write_index
from tinyops.data.datasets.split import (
    Part,
    SplitError,
    assign,
    checked_split,
    group_of,
    unfit_to_train,
)
from tinyops.data.ingest.batch import Batch
from tinyops.data.ingest.piece import Piece
from tinyops.data.ingest.reduce import put_labels, reduced
from tinyops.data.labels.labels import Label
from tinyops.file_hash import file_sha256
from tinyops.projects import Project
from tinyops.store import Pointer, Store, content_id, layout


@dataclass(frozen=True)
class Addition:
    """What a batch adds: files of accepted recordings, each with its index, and the gate's word."""

    files: Sequence[tuple[Piece, Sequence[IndexRow]]]
    batch: Batch
    gate: dict[str, Any]


def make_manifest(
    store: Store, project: Project, parent: Dataset | None, addition: Addition
) -> dict[str, Any]:
    """Upload the addition's files and describe the new version; nothing names it yet.

    The version is a hash over files, split and labels, so making it twice gives the same. `unfit`
    says why no model can be made of it: a class that a part lacks.

    Raises
    ------
    SplitError
        A recording of the addition is on two sides of the split; nothing has been uploaded then.
    """
    added = [row for _, rows in addition.files for row in rows]
    rows = [*(parent.index() if parent else []), *added]
    groups = checked_split(rows, project)
    old = parent.manifest if parent else {"files": [], "batches": []}
    files = [*old["files"]]
    for piece, index in addition.files:
        file = _upload(store, project, piece, index)
        files.append({"batch": addition.batch.batch} | file)
    batch = asdict(addition.batch)
    kept = ("batch", "sha256", "source", "simulated", "note", "request")
    entry = {key: batch[key] for key in kept}
    return _manifest(
        project,
        rows,
        groups,
        {
            "parent": parent.version if parent else None,
            "batches": [
                *old["batches"],
                entry
                | {"accepted": len(added)}
                | {
                    key: addition.gate[key]
                    for key in ("refused", "files_refused", "warned", "warnings")
                },
            ],
            "files": files,
            "relabelled": old.get("relabelled"),
            "gate": addition.gate,
        },
    )


def make_relabelled(
    store: Store, project: Project, parent: Dataset, labels: Mapping[str, Label]
) -> dict[str, Any]:
    """Describe the parent with these labels in place of what its recordings came with.

    Files are the parent's; the labels become one object, named by its content, that also says
    which set each is from: so a label that is changed back makes a version of its own.

    Raises
    ------
    SplitError
        A fit version would become unfit: a part would lack a class. Nothing has been uploaded then.
    """
    rows = [
        replace(row, label=labels[row.recording_id].label) if row.recording_id in labels else row
        for row in parent.index()
    ]
    groups = checked_split(rows, project)
    gaps = unfit_to_train(rows, project)
    if gaps and not parent.manifest.get("unfit"):
        reason, _, fix = gaps.partition(" -> ")
        raise SplitError(reason, fix)
    words = {name: {"label": one.label, "set": one.set_id} for name, one in labels.items()}
    relabelled = put_labels(store, project.name, words) | {
        "sets": sorted({one.set_id for one in labels.values()})
    }
    kept = {name: parent.manifest[name] for name in ("batches", "files", "gate")}
    return _manifest(
        project, rows, groups, kept | {"parent": parent.version, "relabelled": relabelled}
    )


def make_without(
    store: Store, project: Project, parent: Dataset, machines: Collection[str], request: str
) -> dict[str, Any]:
    """Upload the parent's files without these machines' recordings and describe the new version.

    It is made even where what is left is unfit to train on; `unfit` then says why. The request is
    part of its name: it is never a version that was there before.
    """
    left = reduced(store, parent.manifest, machines)
    rows = Dataset(store, left).index()
    leak = ""
    try:
        groups = checked_split(rows, project)
    except SplitError as error:
        # The settings have changed since. What somebody asked to have removed is removed anyway.
        leak = str(error)
        groups = assign((group_of(project.split, row) for row in rows), project.split)
    kept = {name: left[name] for name in ("batches", "files", "gate", "relabelled")}
    content = kept | {"parent": parent.version, "without": request}
    if leak:
        content["unfit"] = leak
    return _manifest(project, rows, groups, content)


def publish_manifest(store: Store, manifest: dict[str, Any]) -> None:
    """Write a manifest, unless the version is there already, as after a crash."""
    key = layout.dataset_manifest(manifest["project"], manifest["version"])
    if not store.exists(key):
        store.put_json(key, manifest)


def point_to(store: Store, manifest: dict[str, Any]) -> None:
    """Make a version the current one."""
    version, project = manifest["version"], manifest["project"]
    store.put_json(
        layout.pointer(project, Pointer.DATASET),
        {
            "version": version,
            "uri": store.uri(layout.dataset_manifest(project, version)),
            "at": datetime.now(UTC).isoformat(),
        },
    )


def _manifest(
    project: Project, rows: Sequence[IndexRow], groups: dict[str, Part], content: dict[str, Any]
) -> dict[str, Any]:
    # Without what is not set, so that versions made before a setting existed keep their names.
    config = project.split.model_dump(mode="json", exclude_none=True)
    named = {
        "files": sorted(file["sha256"] for file in content["files"]),
        "split": config,
        "labels": project.labels,
    }
    if without := content.get("without"):
        named["without"] = without
    if relabelled := content["relabelled"]:
        named["relabelled"] = relabelled["sha256"]
    if unfit := content.get("unfit") or unfit_to_train(rows, project):
        content = content | {"unfit": unfit}
    return content | {
        "format": 1,
        "project": project.name,
        "version": content_id(named),
        "labels": project.labels,
        "split": {"config": config, "groups": groups},
        "counts": counts(rows, project.split, groups),
        "simulated": any(entry["simulated"] for entry in content["batches"]),
        "code_version": metadata.version("tinyops"),
        "created_at": datetime.now(UTC).isoformat(),
    }


def _upload(
    store: Store, project: Project, piece: Piece, rows: Sequence[IndexRow]
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tinyops-index-") as folder:
        index = Path(folder) / "index.parquet"
        write_index(index, rows)
        index_sha256 = file_sha256(index)
        index_key = layout.dataset_file(project.name, index_sha256)
        if not store.exists(index_key):
            store.upload(index, index_key)
    key = layout.dataset_file(project.name, piece.sha256)
    if not store.exists(key):
        piece.copied(store, key)
    return {
        "rows": len(rows),
        "index_sha256": index_sha256,
        "index_key": index_key,
        "sha256": piece.sha256,
        "key": key,
        "bytes": piece.size,
    }
