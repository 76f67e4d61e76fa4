"""Ingest against a real S3 server: versions grow, share files, and survive being cut off."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from tests.support.data.recording_maker import PROJECT, fleet, fleet_ingested, recording
from tests.support.data.remembered_gate import RememberedGate
from tests.support.power_cut import CutStore, PowerCut
from tests.support.prepared_buckets import Prepared
from tinyops.data.datasets.cache import CacheError
from tinyops.data.datasets.dataset import DatasetError, current_version, open_dataset
from tinyops.data.datasets.split import group_of
from tinyops.data.ingest.batch import BatchError, publish_batch
from tinyops.data.ingest.history import history
from tinyops.data.ingest.ingest import ingest_batch, outstanding_batches
from tinyops.data.recordings import read_recordings
from tinyops.errors import TinyOpsError
from tinyops.projects import Project
from tinyops.projects.coverage import PARTS
from tinyops.store import Consumer, Store, StoreUnavailable, layout, receipts

pytestmark = pytest.mark.slow


def files(store: Store) -> dict[str, str]:
    return {row.key: row.etag for row in store.objects(layout.dataset(PROJECT.name))}


def test_six_batches_in_sequence(store: Store, project: Project) -> None:
    versions: list[str] = []
    split: dict[str, str] = {}
    for number in range(6):
        publish_batch(store, project, f"b{number}", fleet(f"b{number}"))
    # S3 keeps whole seconds, so batches of one second come in the order of their names.
    assert outstanding_batches(store, project) == [f"b{number}" for number in range(6)]
    for number in range(6):
        before = files(store)
        answer = ingest_batch(store, project, f"b{number}")
        assert answer["status"] == "accepted"
        assert (answer["accepted"], answer["refused"]) == (48, 0)
        after = files(store)
        # One file, its index and one manifest are new; what was there is as it was.
        assert before.items() <= after.items()
        assert len(after) == len(before) + 3
        dataset = open_dataset(store, project, answer["dataset"])
        assert dataset.manifest["parent"] == (versions[-1] if versions else None)
        assert split.items() <= dataset.manifest["split"]["groups"].items()
        split = dataset.manifest["split"]["groups"]
        versions.append(answer["dataset"])
        assert current_version(store, project) == versions[-1]
    assert len(set(versions)) == 6
    assert outstanding_batches(store, project) == []
    everything = [r.recording_id for r in dataset.recordings()]
    assert everything == [r.recording_id for n in range(6) for r in fleet(f"b{n}")]
    by_part = {part: [r.recording_id for r in dataset.recordings(part)] for part in PARTS}
    assert sorted(chain(*by_part.values())) == sorted(everything)
    assert {part: len(found) for part, found in by_part.items()} == dataset.manifest["counts"][
        "by_part"
    ]
    assert sum(len(dataset.groups(part)) for part in PARTS) == 12
    # The first version still reads as it did.
    assert len(list(open_dataset(store, project, versions[0]).recordings())) == 48
    told = history(store, project)
    assert [version["version"] for version in told["versions"]] == versions[::-1]


def test_recordings_come_back_as_sent(store: Store, project: Project) -> None:
    sent = {r.recording_id: r for r in fleet(conditions={"load": "0.5"})}
    publish_batch(store, project, "b", sent.values(), note="bench 3")
    dataset = open_dataset(store, project, ingest_batch(store, project, "b")["dataset"])
    for part in PARTS:
        for back in dataset.recordings(part):
            assert back.fingerprint() == sent[back.recording_id].fingerprint()
            assert back.conditions == {"load": "0.5"}
            assert back.machine_id in dataset.groups(part)
    assert {group_of(dataset.split, row) for row in dataset.index()} == {
        r.machine_id for r in sent.values()
    }
    (entry,) = dataset.manifest["batches"]
    assert (entry["source"], entry["simulated"], entry["note"]) == (
        "machine_simulator",
        True,
        "bench 3",
    )
    assert dataset.manifest["simulated"] is True


def test_bad_recordings_are_kept_and_good_ones_go_on(
    store: Store, project: Project, tmp_path: Path
) -> None:
    bad = [recording("bad1", label="cage"), recording("bad2", unit="g")]
    publish_batch(store, project, "mixed", [bad[0], *fleet(), bad[1]])
    answer = ingest_batch(store, project, "mixed")
    assert (answer["status"], answer["accepted"], answer["refused"]) == ("accepted", 48, 2)
    folder = layout.quarantine(project.name, "mixed")
    reason = store.get_json(folder + layout.REASON)
    assert [refusal["recording_id"] for refusal in reason["refusals"]] == ["bad1", "bad2"]
    kept = store.download(folder + layout.RECORDINGS, tmp_path / "kept.parquet")
    assert [r.fingerprint() for r in read_recordings(kept)] == [r.fingerprint() for r in bad]
    assert store.exists(layout.batch_recordings(project.name, "mixed"))


def test_twice_is_once(prepared: Prepared, project: Project) -> None:
    store, first = prepared(fleet_ingested)
    before = {row.key: row.etag for row in store.objects(project.name)}
    assert ingest_batch(store, project, "b") == first
    assert {row.key: row.etag for row in store.objects(project.name)} == before
    # Publishing the same again is harmless, other content under the same name is not.
    publish_batch(store, project, "b", fleet())
    with pytest.raises(BatchError, match="other content"):
        publish_batch(store, project, "b", fleet("other"))


def test_cut_off_before_each_write(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_batch(store, project, "b0", fleet("b0"))
    parent = ingest_batch(store, project, "b0")["dataset"]
    publish_batch(store, project, "b1", [*fleet("b1"), recording("bad", label="cage")])
    gate = RememberedGate(monkeypatch)
    cut = CutStore(store)
    seen = [parent]
    for _ in range(99):
        try:
            answer = ingest_batch(cut, project, "b1")
            break
        except PowerCut:
            # What can be seen is whole: the parent, or the new version.
            seen.append(current_version(store, project))
            assert len(list(open_dataset(store, project, seen[-1]).recordings())) in (48, 96)
            assert outstanding_batches(store, project) == ["b1"]
    assert (answer["accepted"], answer["refused"]) == (48, 1)
    # Index, file, page, two for the index of pages, two in quarantine, manifest, pointer, receipt:
    # only the last was cut off when the new version could be seen.
    assert cut.died == 10
    assert seen == [parent] * 10 + [answer["dataset"]]
    # Once in each run but the last, which finds its batch in the current version.
    assert (gate.asked, gate.computed) == (10, 1)
    assert open_dataset(store, project, answer["dataset"]).manifest["parent"] == parent
    there = [name for name in store.folders(layout.dataset(project.name)) if name != "files"]
    assert sorted(there) == sorted([parent, answer["dataset"]])
    assert outstanding_batches(store, project) == []


def test_the_same_data_is_the_same_version_elsewhere(prepared: Prepared, project: Project) -> None:
    store, answer = prepared(fleet_ingested)
    version = answer["dataset"]
    other = project.model_copy(update={"name": "elsewhere"})
    publish_batch(store, other, "b", fleet())
    assert ingest_batch(store, other, "b")["dataset"] == version
    salted = other.model_copy(
        update={"name": "salted", "split": other.split.model_copy(update={"validation": 0.25})}
    )
    publish_batch(store, salted, "b", fleet())
    assert ingest_batch(store, salted, "b")["dataset"] != version


def test_cache_is_used_and_not_trusted(
    prepared: Prepared, project: Project, own_cache: Path
) -> None:
    store, answer = prepared(fleet_ingested)
    dataset = open_dataset(store, project, answer["dataset"])
    assert len(list(dataset.recordings())) == 48
    key, sha256 = dataset.manifest["files"][0]["key"], dataset.manifest["files"][0]["sha256"]
    original = store.get(key)
    store.put(key, b"rotten")
    assert len(list(dataset.recordings())) == 48
    local = own_cache / "datasets" / f"{sha256}.parquet"
    local.write_bytes(b"rotten too")
    with pytest.raises(CacheError, match=sha256[:12]):
        list(dataset.recordings())
    store.put(key, original)
    assert len(list(dataset.recordings())) == 48
    assert local.read_bytes() == original


def test_what_is_not_there_is_named(store: Store, project: Project) -> None:
    assert current_version(store, project) is None
    assert outstanding_batches(store, project) == []
    with pytest.raises(DatasetError, match="'abc'"):
        open_dataset(store, project, "abc")
    with pytest.raises(BatchError, match="has no batch"):
        ingest_batch(store, project, "nothing")
    with pytest.raises(BatchError, match=r"no batch '\.\./x'"):
        ingest_batch(store, project, "../x")
    assert list(store.objects("")) == []


def test_an_s3_that_is_down_is_no_verdict(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_batch(store, project, "b", fleet())
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    down = Store.from_env(attempts=1, timeout=1)
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9"):
        ingest_batch(down, project, "b")
    assert receipts.handled(store, project.name, Consumer.INGEST) == set()


def test_batch_ids_cannot_climb(store: Store, project: Project) -> None:
    for name in ("../x", "a/b", "", "..", "x" * 200, "é"):
        with pytest.raises(TinyOpsError, match=r"cannot be part of an S3 key|needs a name"):
            publish_batch(store, project, name, fleet())
    assert list(store.objects("")) == []
