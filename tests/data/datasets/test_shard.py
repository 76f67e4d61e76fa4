"""Shards of a dataset version: every recording once, none of a file that nobody asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.data.recording_maker import PROJECT, fleet
from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.datasets.shard import Shard, read_shard, shards_of
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings.parquet import read_recordings, row_groups, write_recordings
from tinyops.store import Store


def test_shards_hold_every_recording_once(store: Store) -> None:
    for batch in ("one", "two"):
        publish_batch(store, PROJECT, batch, fleet(batch))
        version = ingest_batch(store, PROJECT, batch)["dataset"]
    dataset = open_dataset(store, PROJECT, version)
    whole = [(one.recording_id, one.fingerprint()) for one in dataset.recordings()]
    for size, most, count in (
        (32 << 20, 1000, 2),
        (20_000, 1000, None),
        (2000, 3, 3),
        (1, 1000, 96),
    ):
        shards = shards_of(dataset, size, most)
        assert shards == [Shard.from_dict(one.to_dict()) for one in shards]
        assert len(shards) == count or (count is None and 2 < len(shards) < 96)
        assert len({one.name for one in shards}) == len(shards)
        found = [one for shard in shards for one in read_shard(dataset, shard)]
        assert [(one.recording_id, one.fingerprint()) for one in found] == whole, size


def test_row_groups_are_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "groups.parquet"
    monkeypatch.setattr("tinyops.data.recordings.parquet.CHUNK_BYTES", 4096)
    recordings = fleet()
    write_recordings(path, recordings)
    groups = row_groups(path)
    assert len(groups) > 3
    assert sum(groups) == len(recordings)
    start = groups[0] + groups[1]
    names = [one.recording_id for one in recordings[start : start + groups[2]]]
    assert [one.recording_id for one in read_recordings(path, [2])] == names
