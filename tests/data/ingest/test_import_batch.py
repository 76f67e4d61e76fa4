"""Foreign files through ingest: the good ones become recordings, a bad one costs only itself."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.checkout import ROOT
from tests.support.data.foreign_files import NAMES, RATE, csv_text, samples, three_axes, write
from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.ingest.batch import BatchError, publish_originals
from tinyops.data.ingest.forgotten import remember
from tinyops.data.ingest.ingest import ingest_batch, outstanding_batches
from tinyops.data.ingest.originals import batch_schema
from tinyops.data.ingest.ready import read_ready
from tinyops.data.ingest.staging import pieces_of, stage, sweep
from tinyops.data.recordings.importers import Description, ImportRefused
from tinyops.projects import Project
from tinyops.store import Store, content_id, layout

pytestmark = pytest.mark.slow

SCHEMA = ROOT / "docs" / "batch.schema.json"
SAID = Description(
    machine="{parent}",
    label="{folder}",
    recording="{parent}-{folder}-{stem}",
    channels=NAMES,
    unit="m/s^2",
    recorded_at="file",
    conditions={"bench": "3"},
)


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Project:
    """Three axes, two classes; every name is a group, and one salt suits what `fleet` makes."""
    base = three_axes(window=64)
    return base.model_copy(
        update={
            "name": "p" + content_id(request.node.name),
            "labels": ["normal", "ball"],
            "split": base.split.model_copy(update={"salt": "3"}),
        }
    )


def fleet(folder: Path, kinds: tuple[str, ...] = ("a.csv", "a.npz", "a.parquet")) -> list[Path]:
    """A file of each class of twelve machines, in turn of one kind and of another."""
    paths = []
    for number in range(12):
        for label in ("normal", "ball"):
            place = folder / f"m{number}" / label
            place.mkdir(parents=True)
            seed = 2 * number + (label == "ball")
            path = write(place, kinds[seed % len(kinds)], samples(seed, 300))
            os.utime(path, (1_700_000_000 + 60 * seed,) * 2)
            paths.append(path)
    return paths


def listing(store: Store) -> dict[str, str]:
    return {row.key: row.etag for row in store.objects("")}


def test_files_of_many_kinds_become_one_version(
    store: Store, project: Project, tmp_path: Path
) -> None:
    paths = fleet(tmp_path)
    uri = publish_originals(store, project, "b", paths, SAID, note="bench 3")
    assert publish_originals(store, project, "b", paths, SAID) == uri
    with pytest.raises(BatchError, match="other content"):
        publish_originals(store, project, "b", paths[1:], SAID)
    incoming = listing(store)
    answer = ingest_batch(store, project, "b")
    assert (answer["status"], answer["accepted"], answer["refused"]) == ("accepted", 24, 0), answer
    assert incoming.items() <= listing(store).items()
    dataset = open_dataset(store, project, answer["dataset"])
    found = {one.recording_id: one for one in dataset.recordings()}
    assert len(found) == 24
    one = found["m4-ball-a"]
    assert (one.machine_id, one.label, one.conditions["bench"]) == ("m4", "ball", "3")
    assert one.recorded_at == datetime.fromtimestamp(1_700_000_000 + 60 * 9, UTC)
    np.testing.assert_array_equal(one.signal, samples(9, 300).T.astype(np.float32))
    [file] = dataset.manifest["files"]
    assert file["rows"] == 24, "small files share one"
    [entry] = dataset.manifest["batches"]
    assert (entry["source"], entry["simulated"], entry["note"]) == ("file", False, "bench 3")


def test_files_of_a_forgotten_machine_are_removed_and_the_others_go_on(
    store: Store, project: Project, tmp_path: Path
) -> None:
    publish_originals(store, project, "b", fleet(tmp_path), SAID)
    remember(store, project.name, "m4")
    answer = ingest_batch(store, project, "b")
    assert (answer["status"], answer["accepted"]) == ("accepted", 22), answer
    dataset = open_dataset(store, project, answer["dataset"])
    assert "m4" not in {one.machine_id for one in dataset.recordings()}
    sent = [row.key for row in store.objects(layout.incoming(project.name, "b"))]
    assert len(sent) == 22 + 1, "the files that are left, and the ready mark"
    reason = store.get_json(layout.quarantine_reason(project.name, "b"))
    assert [("forgotten" in file["reason"]) for file in reason["files"]] == [True, True]
    ready = store.get_json(layout.batch_ready(project.name, "b"))
    assert (len(ready["originals"]), ready["forgotten"]) == (22, 2)
    for row in store.objects(layout.project(project.name)):
        if layout.is_json(row.key) or layout.is_page(row.key):
            assert b"m4/" not in store.get(row.key), row.key


def test_a_batch_of_a_forgotten_machine_alone_keeps_nothing(
    store: Store, project: Project, tmp_path: Path
) -> None:
    paths = [path for path in fleet(tmp_path) if "m4" in path.parts]
    said = replace(SAID, machine="m4", recording="{folder}-{stem}")
    publish_originals(store, project, "b", paths, said)
    remember(store, project.name, "m4")
    answer = ingest_batch(store, project, "b")
    assert (answer["status"], answer["dataset"]) == ("quarantined", None)
    assert "forgotten" in answer["reason"]
    left = list(store.objects(layout.incoming(project.name, "b")))
    assert [row.key for row in left] == [layout.batch_ready(project.name, "b")]
    assert b"m4" not in store.get(left[0].key)


def test_a_bad_file_is_named_and_the_others_go_on(
    store: Store, project: Project, tmp_path: Path
) -> None:
    paths = fleet(tmp_path, ("a.csv",))
    bad = {
        "m0/normal/cut.npz": write(tmp_path / "m0" / "normal", "a.npz", samples(90)).read_bytes()[
            :99
        ],
        "m0/normal/rate.csv": csv_text(samples(91, 300), 800.0).encode(),
        "m0/normal/text.wav": b"no wave",
    }
    (tmp_path / "m0" / "normal" / "a.npz").unlink()
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    publish_originals(store, project, "b", [*paths, *(tmp_path / name for name in bad)], SAID)
    answer = ingest_batch(store, project, "b")
    assert (answer["status"], answer["accepted"]) == ("accepted", 24)
    assert answer["reason"] == "3 files could not be read"
    assert ingest_batch(store, project, "b") == answer
    told = store.get_json(layout.quarantine_reason(project.name, "b"))
    assert [each["path"].removeprefix(f"{tmp_path.name}/") for each in told["files"]] == list(bad)
    assert all(each["reason"] and each["fix"] for each in told["files"])
    assert "recorded at 800 Hz" in told["files"][1]["reason"]
    assert "resample" in told["files"][1]["fix"]
    for each in told["files"]:
        assert store.exists(store.key(told["incoming"]) + each["name"])


def test_a_batch_without_a_good_file_is_quarantined(
    store: Store, project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("no,numbers\nat,all\n")
    publish_originals(store, project, "b", [path], SAID)
    answer = ingest_batch(store, project, "b")
    assert answer["status"] == "quarantined"
    assert "no file could be read; a.csv" in answer["reason"]
    assert outstanding_batches(store, project) == []


def put_batch(store: Store, project: Project, files: dict[str, bytes], **changes: Any) -> None:
    """A batch as somebody else's program would hand it in: names are its own."""
    import hashlib

    for name, content in files.items():
        store.put(layout.batch_original(project.name, "b", name), content)
    content = {
        "source": "rig",
        "simulated": False,
        "said": {"channels": list(NAMES), "unit": "m/s^2", "recorded_at": "2026-01-01T00:00:00Z"},
        "originals": [
            {
                "name": name,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "said": {"machine": f"m{number}", "label": "normal", "recording": f"r{number}"},
            }
            for number, (name, content) in enumerate(files.items())
        ],
    } | changes
    store.put(layout.batch_ready(project.name, "b"), json.dumps(content).encode())


def test_what_is_said_of_one_file_goes_before_what_is_said_of_all(
    store: Store, project: Project
) -> None:
    files = {f"day1/{n}.csv": csv_text(samples(n, 300)).encode() for n in range(3)}
    put_batch(store, project, files)
    content = store.get_json(layout.batch_ready(project.name, "b"))
    content["originals"][1]["said"]["unit"] = "furlong"
    store.put_json(layout.batch_ready(project.name, "b"), content)
    [lot] = read_ready(store, project, "b").files
    assert lot.size == sum(map(len, files.values()))
    answer = ingest_batch(store, project, "b")
    # One class on two machines is too little to train on; but all files were read but the one.
    assert answer["status"] == "accepted"
    assert "absent from train, validation and test" in answer["unfit"]
    told = store.get_json(layout.quarantine_reason(project.name, "b"))
    assert [each["name"] for each in told["files"]] == ["day1/1.csv"]
    assert "is in furlong" in told["files"][0]["reason"]


def test_lots_may_be_read_by_other_tasks(
    store: Store, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyops.data.ingest.batch.FILE_BYTES", 50_000)
    paths = fleet(tmp_path, ("a.csv",))
    paths[3].write_text("broken")
    publish_originals(store, project, "b", paths, replace(SAID, conditions={"simulated": "true"}))
    ready = read_ready(store, project, "b")
    assert len(ready.files) > 2
    found = list(pieces_of(store, project, ready, tmp_path / "here"))
    counts = stage(store, project, [["b", lot.name] for lot in ready.files])
    assert (counts["files"], counts["recordings"]) == (len(ready.files), 23)
    staged = list(pieces_of(store, project, ready, tmp_path / "there"))
    assert [type(each) for each in staged] == [type(each) for each in found]
    assert [each for each in staged if not hasattr(each, "sha256")] == [
        each for each in found if not hasattr(each, "sha256")
    ]
    answer = ingest_batch(store, project, "b")
    assert answer["reason"] == "1 files could not be read"
    manifest = open_dataset(store, project, answer["dataset"]).manifest
    assert manifest["simulated"] is True, "the recordings say so, whatever batch.json does"
    sweep(store, project)


def test_a_file_that_changed_after_it_was_listed_is_refused(store: Store, project: Project) -> None:
    files = {f"{n}.csv": csv_text(samples(n, 300)).encode() for n in range(3)}
    put_batch(store, project, files)
    keys = [layout.batch_original(project.name, "b", name) for name in files]
    store.put(keys[0], files["0.csv"][:-7])
    store.put(keys[1], files["1.csv"].replace(b"0", b"1"))
    store.delete(keys[2])
    ingest_batch(store, project, "b")
    told = store.get_json(layout.quarantine_reason(project.name, "b"))
    said = [each["reason"] for each in told["files"]]
    assert "bytes" in said[0]
    assert "not what batch.json says" in said[1]
    assert "is not in the batch's folder" in said[2]


@pytest.mark.parametrize(
    "changes",
    [
        {"originals": []},
        {"originals": "x"},
        {"originals": [{"name": "a.csv"}]},
        {"originals": [{"name": "a.csv", "size": -1, "sha256": "0" * 64}]},
        {"originals": [{"name": "a.csv", "size": 1, "sha256": "no"}]},
        {"originals": [{"name": "a.csv", "size": 1, "sha256": "0" * 64, "more": 1}]},
        {"said": None},
        {"source": None},
    ],
    ids=str,
)
def test_a_list_of_files_that_is_none_is_named(
    store: Store, project: Project, changes: dict[str, Any]
) -> None:
    put_batch(store, project, {"a.csv": b"x"}, **changes)
    answer = ingest_batch(store, project, "b")
    assert answer["status"] == "quarantined"
    assert next(iter(changes)) in answer["reason"]


def test_the_published_schema_is_the_one_that_is_checked() -> None:
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(batch_schema()))


def test_what_is_published_fits_the_schema(store: Store, project: Project, tmp_path: Path) -> None:
    import jsonschema

    path = write(tmp_path, "a.csv", samples(1, 300))
    publish_originals(store, project, "b", [path], replace(SAID, rate_hz=RATE))
    content = store.get_json(layout.batch_ready(project.name, "b"))
    jsonschema.validate(content, batch_schema())
    content["said"]["rate_hz"] = "fast"
    with pytest.raises(jsonschema.ValidationError, match="'fast' is not"):
        jsonschema.validate(content, batch_schema())


def test_what_cannot_be_read_anyway_is_not_handed_in(
    store: Store, project: Project, tmp_path: Path
) -> None:
    for name, content in {"a.exe": b"x", "a.csv": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImportRefused, match=name):
            publish_originals(store, project, "b", [tmp_path / name], SAID)
    assert listing(store) == {}
