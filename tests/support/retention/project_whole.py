"""Check that every object that a project's objects name is there."""

from __future__ import annotations

from tests.support.retention.project_house import NAME, PROJECT
from tinyops.data.datasets.dataset import current_version, open_dataset, read_manifest
from tinyops.lineage.records import Records
from tinyops.store import Store


def whole(store: Store) -> None:
    """Every manifest names files that are there, and the current version reads to its end."""
    for name in Records(store, NAME).versions:
        manifest = read_manifest(store, PROJECT, name)
        for file in manifest["files"]:
            assert store.exists(file["key"])
            assert store.exists(file["index_key"])
        if said := manifest.get("relabelled"):
            assert store.exists(said["key"])
    dataset = open_dataset(store, PROJECT, str(current_version(store, PROJECT)))
    assert len(dataset.index()) == sum(1 for _ in dataset.recordings())
