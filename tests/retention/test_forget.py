"""After a machine is forgotten no object holds its samples, and all the rest is as it was."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from tests.support.retention.leftovers import leftovers
from tests.support.retention.long_life import OTHER, asked, live, mislabelled, of
from tests.support.retention.project_house import (
    NAME,
    PROJECT,
    TEST_MACHINE,
    fleet,
)
from tests.support.retention.project_whole import whole
from tinyops.conversion.candidates.candidate import read_candidate
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.data.datasets.dataset import current_version, open_dataset, read_manifest
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.forgotten import forgotten_among
from tinyops.data.ingest.history import history
from tinyops.data.ingest.inbox import outstanding_inputs
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.ingest.relabel import apply_labels, outstanding_labels
from tinyops.data.ingest.upkeep import outstanding_requests
from tinyops.data.labels.labels import label_history
from tinyops.lineage.find import find
from tinyops.lineage.records import Records
from tinyops.lineage.trace import trace
from tinyops.monitoring.table import read_frames
from tinyops.retention.carry_out import carry_out, carry_out_all
from tinyops.store import Consumer, ReportKind, Store, layout, receipts
from tinyops.training.pipeline import outstanding_dataset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aftermath(shared_store: Store) -> dict[str, Any]:
    """A forgotten machine, removed by the ingest DAG's own steps; the tests change nothing."""
    store = shared_store
    life = live(store)
    reference = store.get(layout.candidate(NAME, "run-1") + layout.REFERENCE_WINDOWS)
    before = leftovers(store, layout.project(NAME), life["mine"])
    request = asked(store)
    waiting = outstanding_inputs(store, NAME)
    report = carry_out_all(store, PROJECT)[request]
    return life | {
        "store": store,
        "before": before,
        "waiting": waiting,
        "reference": reference,
        "request": request,
        "report": report,
    }


def test_nothing_is_left_of_it(aftermath: dict[str, Any]) -> None:
    store = aftermath["store"]
    assert len(aftermath["before"]) > 30, "the search finds what is there"
    assert leftovers(store, layout.project(NAME), aftermath["mine"]) == []
    assert aftermath["request"] in aftermath["waiting"]
    assert list(store.objects(layout.requests(NAME))) == []
    assert outstanding_requests(store, NAME) == []
    kept = store.get_json(layout.removal(NAME, ReportKind.FORGET, aftermath["request"]))
    assert kept["recordings"] == len(aftermath["mine"])


def test_everything_of_the_others_is_there(aftermath: dict[str, Any]) -> None:
    store, report, versions = (aftermath[name] for name in ("store", "report", "versions"))
    whole(store)
    new = open_dataset(store, PROJECT, str(current_version(store, PROJECT)))
    assert (new.version, new.manifest["parent"]) == (report["current"], versions[-1])
    left = {one.recording_id: one for one in aftermath["good"] if one.machine_id != TEST_MACHINE}
    back = {one.recording_id: one for one in new.recordings()}
    assert back.keys() == left.keys()
    assert all(back[name].fingerprint() == left[name].fingerprint() for name in left)
    assert back[f"b0-{OTHER}-ball"].label == "normal"
    assert TEST_MACHINE not in new.manifest["split"]["groups"]
    parts = read_manifest(store, PROJECT, versions[0])["split"]["groups"]
    assert new.manifest["split"]["groups"].items() <= parts.items()
    assert outstanding_dataset(store, PROJECT) == new.version
    assert [one.device for one in read_frames(store, NAME)] == ["d4"]
    assert store.exists(layout.verdict(NAME, "v4"))
    kept = store.get_json(layout.labelled(NAME, "run-1", "x"))["recordings"]
    assert len(kept) == 44


def test_the_report_says_what_learnt_from_it(aftermath: dict[str, Any]) -> None:
    report = aftermath["report"]
    assert report["versions"][-1] == aftermath["versions"][-1]
    assert (report["candidates"], report["releases"]) == (["run-1", "run-2"], ["run-1"])
    assert report["running"] == {"d0": "run-1"}
    assert report["unreadable"] == []
    assert any("signed images of run-1" in line for line in report["remains"])
    again = carry_out(aftermath["store"], PROJECT, aftermath["request"])
    assert again == {"uri": report["uri"]}


def test_older_versions_stay_explainable(aftermath: dict[str, Any]) -> None:
    store = aftermath["store"]
    told = history(store, PROJECT)["versions"]
    assert {one["version"] for one in told} >= set(aftermath["versions"])
    assert [one["forgotten"] for one in told] == [0, *[8] * (len(told) - 2), 4]
    root = trace(find([Records(store, NAME)], "run-1"))
    (candidate_node,) = [one for one in root.children if one.kind == "candidate"]
    assert candidate_node.facts["forgotten"] == 1
    (dataset_node,) = candidate_node.children
    assert dataset_node.facts["forgotten"] == 8
    assert TEST_MACHINE not in json.dumps(root.to_dict())
    machine = trace(find([Records(store, NAME)], OTHER))
    assert "run-1" in machine.names("candidate")


def test_models_are_marked_and_cannot_be_released_again(aftermath: dict[str, Any]) -> None:
    store, request = aftermath["store"], aftermath["request"]
    for run in ("run-1", "run-2"):
        manifest = store.get_json(layout.candidate_manifest(NAME, run))
        assert [mark["request"] for mark in manifest["forgotten"]] == [request]
        with pytest.raises(ConversionError, match="self-test"):
            read_candidate(store, NAME, run)
        card = store.get(layout.candidate(NAME, run) + layout.CARD).decode()
        assert f"## Forgotten ({request})" in card
        assert store.get(layout.candidate(NAME, run) + layout.MODEL) == b"the weights"
    refused = receipts.read(store, NAME, Consumer.RELEASE, "run-2")
    assert refused is not None
    assert (refused.status, "train again" in refused.reason) == ("refused", True)
    old = np.load(io.BytesIO(aftermath["reference"]))
    new = np.load(io.BytesIO(store.get(layout.candidate(NAME, "run-1") + layout.REFERENCE_WINDOWS)))
    mask = old["groups"] != TEST_MACHINE
    assert all(np.array_equal(new[name], old[name][mask]) for name in old.files)


def test_it_may_not_come_back_and_what_waited_goes_on(
    aftermath: dict[str, Any], store: Store
) -> None:
    # In a bucket of its own: it takes more in.
    for row in aftermath["store"].objects(""):
        store.put(row.key, aftermath["store"].get(row.key))
    answer = ingest_batch(store, PROJECT, "b2")
    assert (answer["status"], answer["accepted"]) == ("accepted", 4)
    (waiting,) = outstanding_labels(store, PROJECT)
    outcome = apply_labels(store, PROJECT, waiting)
    assert (outcome["status"], outcome["accepted"]) == ("applied", 1)
    dataset = open_dataset(store, PROJECT, outcome["dataset"])
    words = label_history(store, dataset, f"b1-{OTHER}-ball")
    assert [word["label"] for word in words] == ["ball", "inner_race"]
    assert forgotten_among(store, NAME, ["m0", TEST_MACHINE]) == {TEST_MACHINE}
    again = fleet("b8", range(3, 5))
    publish_batch(store, PROJECT, "b8", again)
    answer = ingest_batch(store, PROJECT, "b8")
    assert (answer["status"], answer["accepted"]) == ("accepted", 4)
    assert store.get_json(layout.batch_ready(NAME, "b8"))["forgotten"] == 4
    broken = [mislabelled(one) for one in fleet("b9", range(3, 4))]
    publish_batch(store, PROJECT, "b9", broken)
    answer = ingest_batch(store, PROJECT, "b9")
    assert (answer["status"], answer["refused"]) == ("quarantined", 0)
    assert "forgotten" in answer["reason"]
    mine = [*aftermath["mine"], *of(TEST_MACHINE, [*again, *broken])]
    assert leftovers(store, layout.project(NAME), mine) == []
