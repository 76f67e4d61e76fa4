"""A dataset version without the recordings of some machines: files, labels and manifest."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tinyops.data.datasets.cache import cached
from tinyops.data.datasets.counts import counts
from tinyops.data.datasets.dataset import Dataset
from tinyops.data.datasets.index import IndexRow, read_index, write_index
from tinyops.data.datasets.split import Part, group_of
from tinyops.data.ingest.without_machines import file_without
from tinyops.file_hash import file_sha256
from tinyops.store import Store, layout, sha256_hex

File = dict[str, Any]


def holds(store: Store, manifest: dict[str, Any], machines: Collection[str]) -> bool:
    """Whether a version holds a recording of these machines; reads the index alone."""
    return any(
        row.machine_id in machines for file in manifest["files"] for row in _rows(store, file)
    )


def reduced(store: Store, manifest: dict[str, Any], machines: Collection[str]) -> dict[str, Any]:
    """A manifest of what is left, whose files have been uploaded; nothing is deleted.

    The split's parts stay as they are. Batches say how many of their recordings are gone. The same
    files give the same files, so this may be repeated.
    """
    project = manifest["project"]
    files: list[File] = []
    gone: Counter[str] = Counter()
    names: set[str] = set()
    for file in manifest["files"]:
        rows = _rows(store, file)
        left = [row for row in rows if row.machine_id not in machines]
        names |= {row.recording_id for row in rows} - {row.recording_id for row in left}
        gone[file["batch"]] += len(rows) - len(left)
        if len(left) == len(rows):
            files.append(file)
        elif left:
            files.append(_reduced_file(store, project, file, machines, left))
    relabelled = _reduced_labels(store, project, manifest.get("relabelled"), names)
    content = manifest | {
        "files": files,
        "relabelled": relabelled,
        "batches": [_less(entry, gone[entry["batch"]]) for entry in manifest["batches"]],
    }
    dataset = Dataset(store, content)
    rows = dataset.index()
    parts: dict[str, Part] = manifest["split"]["groups"]
    groups = {name: parts[name] for name in sorted({group_of(dataset.split, row) for row in rows})}
    return content | {
        "split": manifest["split"] | {"groups": groups},
        "counts": counts(rows, dataset.split, groups),
    }


def _reduced_file(
    store: Store, project: str, file: File, machines: Collection[str], left: list[IndexRow]
) -> File:
    with tempfile.TemporaryDirectory(prefix="tinyops-reduce-") as folder:
        path, index = Path(folder) / "file.parquet", Path(folder) / "index.parquet"
        file_without(cached(store, file["key"], file["sha256"]), machines, path)
        write_index(index, left)
        content = file | {"rows": len(left), "bytes": path.stat().st_size}
        for each, prefix in ((path, ""), (index, "index_")):
            sha256 = file_sha256(each)
            key = layout.dataset_file(project, sha256)
            if not store.exists(key):
                store.upload(each, key)
            content |= {f"{prefix}sha256": sha256, f"{prefix}key": key}
    return content


def _reduced_labels(
    store: Store, project: str, said: dict[str, Any] | None, names: set[str]
) -> dict[str, Any] | None:
    if said is None:
        return None
    words = json.loads(store.get(said["key"]))
    left = {name: word for name, word in words.items() if name not in names}
    if len(left) == len(words):
        return said
    if not left:
        return None
    return said | put_labels(store, project, left)


def put_labels(store: Store, project: str, words: Mapping[str, Any]) -> dict[str, Any]:
    """Store labels that supersede those of recordings, named by their content.

    Parameters
    ----------
    words
        Recording id -> {label, set}.

    Returns
    -------
    {key, sha256, recordings}
    """
    text = json.dumps(words, sort_keys=True, ensure_ascii=False).encode()
    sha256 = sha256_hex(text)
    key = layout.dataset_labels(project, sha256)
    store.put(key, text, "application/json")
    return {"key": key, "sha256": sha256, "recordings": len(words)}


def _less(entry: dict[str, Any], gone: int) -> dict[str, Any]:
    if not gone:
        return entry
    return entry | {
        "accepted": entry["accepted"] - gone,
        "forgotten": entry.get("forgotten", 0) + gone,
    }


def _rows(store: Store, file: File) -> list[IndexRow]:
    return read_index(cached(store, file["index_key"], file["index_sha256"]))
