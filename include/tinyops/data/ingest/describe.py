"""All that is known of a dataset version, or of one recording in it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tinyops.data.datasets.dataset import Dataset, DatasetError
from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.split import group_of
from tinyops.data.labels.labels import label_history
from tinyops.data.recordings.recording import Recording
from tinyops.store import Store


def describe_version(dataset: Dataset) -> dict[str, Any]:
    """Plain values from the manifest alone: counts, batches, gate, split, files.

    `groups` are counts by part; `files` has count, bytes and rows.
    """
    manifest = dataset.manifest
    files = manifest["files"]
    relabelled = manifest.get("relabelled")
    kept = ("version", "parent", "created_at", "code_version", "simulated", "labels", "counts")
    return {
        **{name: manifest[name] for name in kept},
        "recordings": sum(manifest["counts"]["by_part"].values()),
        "seconds": round(sum(manifest["counts"]["seconds_by_part"].values()), 3),
        "split": manifest["split"]["config"],
        "groups": dict(sorted(Counter(manifest["split"]["groups"].values()).items())),
        "batches": manifest["batches"],
        "gate": manifest["gate"],
        "unfit": manifest.get("unfit", ""),
        "relabelled": relabelled["recordings"] if relabelled else 0,
        "label_sets": relabelled["sets"] if relabelled else [],
        "files": {
            "count": len(files),
            "bytes": sum(file["bytes"] for file in files),
            "rows": sum(file["rows"] for file in files),
        },
    }


def find_row(dataset: Dataset, recording_id: str) -> tuple[IndexRow, dict[str, Any]]:
    """A recording's row of the index and the file of the manifest that holds it.

    Raises
    ------
    DatasetError
        The version does not hold it.
    """
    for file, rows in dataset.index_by_file():
        for row in rows:
            if row.recording_id == recording_id:
                return row, file
    raise DatasetError(
        f"dataset version {dataset.version} holds no recording {recording_id!r}",
        "see `tinyops data show` for the version's batches, or name another version",
    )


def describe_recording(store: Store, dataset: Dataset, recording_id: str) -> dict[str, Any]:
    """Who, what, when and where a recording is, and every word about its label, oldest first.

    Reads the one file that holds its samples, for rate and channels.

    Raises
    ------
    DatasetError
        The version does not hold it.
    """
    row, file = find_row(dataset, recording_id)
    recording = read_recording(dataset, recording_id)
    return {
        "recording": recording_id,
        "machine": row.machine_id,
        "device": row.device_id,
        "sensor": row.sensor,
        "recorded_at": row.recorded_at,
        "seconds": row.seconds,
        "rate_hz": recording.rate_hz,
        "samples": recording.samples,
        "channels": list(recording.channels),
        "unit": recording.unit,
        "conditions": row.conditions,
        "fingerprint": row.fingerprint,
        "label": row.label,
        "labels": label_history(store, dataset, recording_id),
        "dataset": dataset.version,
        "batch": file["batch"],
        "file": store.uri(file["key"]),
        "group": group_of(dataset.split, row),
        "part": dataset.part_of(row),
    }


def read_recording(dataset: Dataset, recording_id: str) -> Recording:
    """One recording with its samples; DatasetError as `find_row`."""
    find_row(dataset, recording_id)
    return next(dataset.recordings(only={recording_id}))
