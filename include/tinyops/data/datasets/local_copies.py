"""Remove this machine's copies of dataset files."""

from __future__ import annotations

from collections.abc import Iterable

from tinyops.data.datasets.cache import copy_path


def drop_copies(hashes: Iterable[str]) -> None:
    """Remove the copies of files by their hashes; harmless where there are none.

    Other machines' caches cannot be reached: what they hold is never opened again, since no
    manifest names it, and goes with their disks.
    """
    for sha256 in hashes:
        copy_path(sha256).unlink(missing_ok=True)
