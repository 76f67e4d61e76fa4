"""`tinyops data show` and `diff` on a real S3 server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.data.recording_maker import PROJECT, fleet
from tests.support.prepared_buckets import Prepared
from tinyops.cli.data import data_app
from tinyops.data.datasets.dataset import DatasetError, open_dataset
from tinyops.data.datasets.difference import difference
from tinyops.data.datasets.find_version import find_version, version_names
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels
from tinyops.data.labels.label_set import LabelRow, LabelSet, publish_labels
from tinyops.projects import Project
from tinyops.store import Store, layout


@pytest.fixture(autouse=True)
def own_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyops.projects.load_project", lambda name: PROJECT)


def three_versions(store: Store) -> list[str]:
    """A batch, another with one more machine, and a label that is corrected."""
    found = []
    for batch, machines in (("b0", 12), ("b1", 13)):
        publish_batch(store, PROJECT, batch, fleet(batch, machines), note=f"[note] {batch}")
        found.append(ingest_batch(store, PROJECT, batch)["dataset"])
    said = LabelSet(
        project=PROJECT.name,
        source="operator",
        author="ada",
        at=datetime.now(UTC),
        labels=(LabelRow(recording_id="b0-m1-ball", label="normal", note="worn"),),
    )
    publish_labels(store, PROJECT, said)
    found.append(apply_labels(store, PROJECT, said.id)["dataset"])
    return found


@pytest.fixture
def opened(prepared: Prepared) -> tuple[Store, list[str]]:
    """The bucket of three versions, as it was, for every test."""
    return prepared(three_versions)


@pytest.fixture
def store(opened: tuple[Store, list[str]]) -> Store:
    return opened[0]


@pytest.fixture
def versions(opened: tuple[Store, list[str]]) -> list[str]:
    return opened[1]


def tinyops(*words: str) -> Any:
    done = CliRunner().invoke(data_app, [*words, "-p", "motor_health"], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.output) if "--json" in words else done.output


def test_show_a_version(versions: list[str]) -> None:
    told = tinyops("show", versions[1][:6], "--json")
    assert told["version"] == versions[1]
    assert told["parent"] == versions[0]
    assert told["recordings"] == told["files"]["rows"] == 100
    assert [entry["batch"] for entry in told["batches"]] == ["b0", "b1"]
    assert told["counts"]["by_machine"]["m12"] == 4
    assert sum(told["groups"].values()) == 13
    assert told["gate"]["accepted"] == 52
    assert tinyops("show", "current", "--json")["label_sets"]
    shown = tinyops("show", versions[1])
    assert "[note] b1" in shown
    assert "and 3 more" in shown


def test_show_a_recording_and_draw_it(versions: list[str], tmp_path: Path) -> None:
    path = tmp_path / "signal.png"
    told = tinyops("show", "b0-m1-ball", "--picture", str(path), "--json")
    assert (told["label"], told["batch"], told["machine"]) == ("normal", "b0", "m1")
    assert [word["label"] for word in told["labels"]] == ["ball", "normal"]
    assert told["rate_hz"] == 20000.0
    assert told["dataset"] == versions[2]
    assert path.read_bytes().startswith(b"\x89PNG")
    shown = tinyops("show", "b0-m1-ball", "--version", versions[0])
    assert "worn" in shown
    assert tinyops("show", "b0-m1-ball", "--version", versions[0], "--json")["label"] == "ball"
    with pytest.raises(DatasetError, match="no recording 'b1-m1-ball'"):
        tinyops("show", "b1-m1-ball", "--version", versions[0])
    with pytest.raises(DatasetError, match="is a dataset version"):
        tinyops("show", "current", "--picture", str(path))


def test_diff(store: Store, project: Project, versions: list[str]) -> None:
    told = tinyops("diff", versions[0], versions[2][:8], "--json")
    assert len(told["added"]) == 52
    assert told["removed"] == []
    assert told["relabelled"] == [
        {"recording_id": "b0-m1-ball", "before": "ball", "after": "normal"}
    ]
    assert told["by_label"]["ball"] == [12, 24]
    assert told["by_label"]["normal"] == [12, 26]
    assert told["by_machine"]["m12"] == [0, 4]
    assert list(told["groups_added"]) == ["m12"]
    assert told["batches_added"] == ["b1"]
    assert told["groups_moved"] == told["recordings_moved"] == []
    assert told["split"] == {}
    shown = tinyops("diff", versions[0])
    assert "52 recordings added, 0 removed, 1 relabelled" in shown
    one, other = (open_dataset(store, project, name) for name in (versions[2], versions[0]))
    back = difference(one, other)
    assert set(back.removed) == set(told["added"])
    assert back.by_label["normal"] == (26, 12)


def test_another_salt_is_seen(store: Store, project: Project, versions: list[str]) -> None:
    salted = project.model_copy(
        update={"split": project.split.model_copy(update={"salt": "30"}), "name": "salted"}
    )
    publish_batch(store, salted, "b0", fleet("b0"))
    answer = ingest_batch(store, salted, "b0")
    assert answer["status"] == "accepted", answer["reason"]
    before = open_dataset(store, project, versions[0])
    found = difference(before, open_dataset(store, salted, answer["dataset"]))
    assert found.split == {"salt": ("3", "30")}
    assert len(found.recordings_moved) == 4 * len(found.groups_moved) > 0


def test_words_that_name_no_version_or_several(
    store: Store, project: Project, versions: list[str]
) -> None:
    assert version_names(store, project) == sorted(versions)
    assert find_version(store, project, "current") == versions[-1]
    with pytest.raises(DatasetError, match="no dataset version 'xyz'"):
        find_version(store, project, "xyz")
    with pytest.raises(DatasetError, match="no dataset version ''"):
        find_version(store, project, "")
    store.put_json(layout.dataset_manifest(project.name, f"{versions[0][:-1]}-"), {})
    with pytest.raises(DatasetError, match="begins several"):
        find_version(store, project, versions[0][:-1])
    with pytest.raises(DatasetError, match="no dataset version yet"):
        find_version(store, "exercise_watch", "current")
