"""A dataset version in shards: as much as one task reads, a recording in memory at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice, pairwise
from typing import Any

from tinyops.data.datasets.cache import cached
from tinyops.data.datasets.dataset import Dataset
from tinyops.data.recordings.parquet import read_recordings, row_groups
from tinyops.data.recordings.recording import Recording

SHARD_BYTES = 32 << 20
"""A file that is larger is cut into several shards."""

MOST_SHARDS = 1000
"""Airflow maps a task over 1024 inputs at most, as it comes (3.3.2: core.max_map_length)."""


@dataclass(frozen=True)
class Slice:
    """Consecutive recordings of one of the version's files (its number in the manifest)."""

    file: int
    first: int
    rows: int


@dataclass(frozen=True)
class Shard:
    """Recordings that are read together; the name is good for a key."""

    name: str
    slices: tuple[Slice, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON content; `from_dict` reads it back."""
        return {"name": self.name, "slices": [asdict(one) for one in self.slices]}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Shard:
        """The shard that `to_dict` wrote."""
        return cls(content["name"], tuple(Slice(**one) for one in content["slices"]))


def shards_of(dataset: Dataset, size: int = SHARD_BYTES, most: int = MOST_SHARDS) -> list[Shard]:
    """The version's shards, in the order of arrival; no file of samples is fetched for it.

    A shard is a file, a part of one of about `size` bytes, or several where there would be more
    than `most`.
    """
    slices = [
        one
        for number, file in enumerate(dataset.manifest["files"])
        for one in _slices(number, file["rows"], file["bytes"], size)
    ]
    joined = max(1, math.ceil(len(slices) / most))
    return [
        Shard(f"{number:04d}", tuple(slices[start : start + joined]))
        for number, start in enumerate(range(0, len(slices), joined))
    ]


def read_shard(dataset: Dataset, shard: Shard) -> Iterator[Recording]:
    """The shard's recordings under the version's labels, one at a time.

    Raises
    ------
    CacheError
        A file in S3 is not what the manifest says.
    """
    for part in shard.slices:
        file = dataset.manifest["files"][part.file]
        path = cached(dataset.store, file["key"], file["sha256"])
        groups, skipped = _holding(row_groups(path), part)
        found = read_recordings(path, groups)
        for recording in islice(found, skipped, skipped + part.rows):
            name = recording.recording_id
            yield replace(recording, label=dataset.relabelled.get(name, recording.label))


def _slices(file: int, rows: int, size: int, wanted: int) -> Iterator[Slice]:
    count = min(rows, max(1, math.ceil(size / wanted)))
    edges = [number * rows // count for number in range(count + 1)] if count else []
    for first, last in pairwise(edges):
        yield Slice(file, first, last - first)


def _holding(groups: list[int], part: Slice) -> tuple[list[int], int]:
    """Row groups that hold a slice, and how many of their rows come before it."""
    found: list[int] = []
    start = skipped = 0
    for number, rows in enumerate(groups):
        if start < part.first + part.rows and start + rows > part.first:
            if not found:
                skipped = part.first - start
            found.append(number)
        start += rows
    return found, skipped
