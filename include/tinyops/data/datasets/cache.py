"""Dataset files on the local disk, by hash: each is fetched once and checked at every use."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tinyops.errors import TinyOpsError
from tinyops.file_hash import file_sha256
from tinyops.store import Store


class CacheError(TinyOpsError):
    """An object in S3 does not have the hash that its name and manifest say."""


def cache_folder() -> Path:
    """$TINYOPS_CACHE/datasets, or ~/.cache/tinyops/datasets."""
    named = os.environ.get("TINYOPS_CACHE")
    root = Path(named) if named else Path.home() / ".cache" / "tinyops"
    return root / "datasets"


def copy_path(sha256: str) -> Path:
    """Where the copy of a file of this hash is, or would be."""
    return cache_folder() / f"{sha256}.parquet"


def cached(store: Store, key: str, sha256: str) -> Path:
    """A local copy of an object whose content is known; several processes may ask at once.

    Raises
    ------
    CacheError
        The object in S3 is not what it should be.
    """
    path = copy_path(sha256)
    if path.exists() and file_sha256(path) == sha256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="fetch-") as folder:
        fetched = store.download(key, Path(folder) / "file")
        if file_sha256(fetched) != sha256:
            raise CacheError(
                f"{store.uri(key)} is not what its manifest says (sha256 {sha256[:12]}…)",
                "restore the object from a backup",
            )
        return fetched.replace(path)
