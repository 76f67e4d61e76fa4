"""Files of datasets that no manifest refers to: what is left after versions have gone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from tinyops.data.datasets.dataset import DatasetError, keys_of, read_manifest
from tinyops.data.datasets.find_version import version_names
from tinyops.retention.expired import Expired
from tinyops.store import Store, layout

GRACE = timedelta(days=1)
"""A younger file that nobody refers to may be an upload whose manifest is about to come."""


def unreferenced(
    store: Store, project: str, removed: Collection[str], now: datetime
) -> list[Expired]:
    """Files that only these versions refer to, and older ones that none does.

    Parameters
    ----------
    removed
        Versions that count as gone, whether their manifests say so already or not.
    """
    kept: set[str] = set()
    freed: set[str] = set()
    for version in version_names(store, project):
        try:
            manifest = read_manifest(store, project, version)
        except DatasetError:
            continue
        (freed if version in removed else kept).update(keys_of(manifest))
    found = []
    for row in store.objects(layout.dataset_files(project)):
        orphan = row.key not in freed and row.last_modified < now - GRACE
        if row.key not in kept and (row.key in freed or orphan):
            name = layout.file_name(row.key)
            why = "no version refers to it" if orphan else "only versions that go refer to it"
            found.append(Expired("dataset file", name, why, (row.key,), row.size))
    return found
