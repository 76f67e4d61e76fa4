"""From a release to its recordings and labels, and from a recording to the devices it ended on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.prepared_buckets import Prepared
from tests.support.retention.project_house import (
    NAME,
    PROJECT,
    TEST_MACHINE,
    TRAIN_MACHINE,
    candidate,
    fleet,
    gateway,
    label,
    release,
    take_in,
)
from tinyops.cli.lineage import lineage_app
from tinyops.data.datasets.dataset import open_dataset
from tinyops.lineage.find import LineageError, find
from tinyops.lineage.records import Records
from tinyops.lineage.trace import trace
from tinyops.lineage.tree import Node
from tinyops.store import Store, edge_layout, layout

pytestmark = pytest.mark.slow


def lineage(store: Store, word: str, **more: Any) -> Node:
    return trace(find([Records(store, NAME)], word, **more))


def below(node: Node, *way: str) -> list[str]:
    """Names at the end of a way of kinds, from a node down."""
    nodes = [node]
    for kind in way:
        nodes = [child for one in nodes for child in one.children if child.kind == kind]
    return [one.name for one in nodes]


def live(store: Store) -> dict[str, str]:
    """Two batches, a correction, two candidates of which one is released to one of two devices."""
    first = take_in(store, "b0", fleet("b0", range(12)))
    second = take_in(store, "b1", fleet("b1", range(12, 14)))
    said, third = label(store, "b0-m0-ball", "normal")
    candidate(store, "run-1", second)
    candidate(store, "run-2", third, status="worse")
    release(store, "run-1", second)
    gateway(store, "line-3", {"d0": "run-1", "spare": ""})
    return {"first": first, "second": second, "third": third, "set": said}


@pytest.fixture
def opened(prepared: Prepared) -> tuple[Store, dict[str, str]]:
    """A life of which every test gets the same bucket, as it was."""
    return prepared(live)


@pytest.fixture
def store(opened: tuple[Store, dict[str, str]]) -> Store:
    return opened[0]


@pytest.fixture
def life(opened: tuple[Store, dict[str, str]]) -> dict[str, str]:
    return opened[1]


def test_a_release_leads_to_its_recordings(store: Store, life: dict[str, str]) -> None:
    root = lineage(store, "run-1")
    assert (root.kind, root.name) == ("release", "run-1")
    assert below(root, "candidate", "dataset") == [life["second"]]
    assert below(root, "candidate", "dataset", "batch") == ["b0", "b1"]
    index = open_dataset(store, PROJECT, life["second"]).index()
    assert root.names("recording") == [row.recording_id for row in index]
    assert below(root, "device") == ["d0"]
    corrected = next(node for node in root.walk() if node.name == "b0-m0-ball")
    # The release learnt the label that it came with; somebody has said another one since.
    assert (corrected.facts["label"], corrected.facts["said"]) == ("ball", "normal")
    assert corrected.facts["label_set"] == life["set"]
    assert lineage(store, "run-1", kind="candidate").kind == "candidate"


def test_a_recording_leads_to_devices(store: Store, life: dict[str, str]) -> None:
    root = lineage(store, "b0-m0-ball")
    assert below(root, "dataset") == [life["first"], life["second"], life["third"]]
    assert below(root, "dataset", "candidate") == ["run-1", "run-2"]
    assert below(root, "dataset", "candidate", "release", "device") == ["d0"]
    assert below(root, "label") == ["ball", "normal"]
    later = lineage(store, "b1-m12-ball")
    assert life["first"] not in below(later, "dataset")


def test_a_machine_and_a_device_and_back(store: Store, life: dict[str, str]) -> None:
    machine = lineage(store, TEST_MACHINE)
    assert machine.facts == {"recordings": 4, "devices": ["d3"]}
    parts = {tuple(child.facts["parts"]) for child in machine.children if child.kind == "dataset"}
    assert parts == {("test",)}
    trained = lineage(store, TRAIN_MACHINE).children[-1]
    assert trained.facts["parts"] == {"train": 4}
    device = lineage(store, "d0")
    assert device.facts["attested"] == "run-1"
    assert below(device, "release", "candidate", "dataset") == [life["second"]]
    assert below(device, "batch", "recording") == [f"b0-m0-{name}" for name in PROJECT.labels]
    assert lineage(store, "spare").children == ()


def test_a_version_looks_both_ways(store: Store, life: dict[str, str]) -> None:
    root = lineage(store, life["second"][:6])
    assert below(root, "batch") == ["b0", "b1"]
    assert below(root, "candidate", "release", "device") == ["d0"]
    assert lineage(store, "current").name == life["third"]


def test_no_sample_is_read(
    store: Store, life: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for word in ("run-1", "b0-m0-ball", TEST_MACHINE, "d0", life["second"]):
        lineage(store, word)
    index = {file["index_sha256"] for file in _files(store, life["third"])}
    fresh = Records(store, NAME)
    fetched: list[str] = []
    real = store.download

    def counting(key: str, path: Path) -> Path:
        fetched.append(key)
        return real(key, path)

    for path in (tmp_path / "cache" / "datasets").iterdir():
        path.unlink()
    monkeypatch.setattr(store, "download", counting)
    trace(find([fresh], "b0-m0-ball"))
    # Each index once, though three versions share the first of them.
    assert sorted(fetched) == sorted(layout.dataset_file(NAME, sha256) for sha256 in index)


def _files(store: Store, version: str) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = open_dataset(store, PROJECT, version).manifest["files"]
    return files


def test_words_that_name_nothing_or_several_things(store: Store, life: dict[str, str]) -> None:
    with pytest.raises(LineageError, match="no release, candidate"):
        lineage(store, "nobody")
    with pytest.raises(LineageError, match="no machine 'b0-m0-ball'"):
        lineage(store, "b0-m0-ball", kind="machine")
    gateway(store, "line-4", {TEST_MACHINE: ""})
    with pytest.raises(LineageError, match="machine m3 of motor_health, device m3 of motor_health"):
        lineage(store, TEST_MACHINE)
    assert lineage(store, TEST_MACHINE, kind="device").kind == "device"
    with pytest.raises(LineageError, match=r"no .* '\.\./x'"):
        lineage(store, "../x")


def test_a_status_that_is_rotten_stops_nobody(store: Store, life: dict[str, str]) -> None:
    store.put(edge_layout.gateway_status("rotten"), b"{")
    store.put_json(edge_layout.gateway_status("odd"), {"devices": {"x": 3}})
    assert below(lineage(store, "run-1"), "device") == ["d0"]


def test_the_command(store: Store, life: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "lineage.png"
    words = ["show", "run-1", "-p", NAME, "--picture", str(path), "--json"]
    done = CliRunner().invoke(lineage_app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["project"], told["kind"]) == (NAME, "release")
    assert told["children"][0]["children"][0]["name"] == life["second"]
    assert path.read_bytes().startswith(b"\x89PNG")
    done = CliRunner().invoke(lineage_app, ["show", TEST_MACHINE, "-p", NAME])
    assert "used in dataset" in done.output
    assert "release run-1" in done.output
