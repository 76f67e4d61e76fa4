"""The ingest DAG on a real Airflow database and a real S3 server."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.airflow_runs import AirflowProcess
from tinyops.data.datasets.dataset import current_version
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.inbox import outstanding_batches, outstanding_inputs
from tinyops.data.ingest.upkeep import ask
from tinyops.data.labels.label_set import LabelRow, LabelSet, publish_labels
from tinyops.data.recordings.sources.registry import generate
from tinyops.projects import load_project
from tinyops.store import Consumer, Store, layout, receipts
from tinyops.training.pipeline import outstanding_dataset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROJECT = load_project("motor_health")
DAG_ID = "motor_health__ingest"
SECONDS = 1.5 * PROJECT.signal.window / PROJECT.signal.rate_hz


@pytest.fixture
def env(airflow: AirflowProcess, store: Store) -> dict[str, str]:
    """Airflow with this test's bucket."""
    return airflow.env(TINYOPS_BUCKET=store.bucket)


def publish(store: Store, name: str, number: int) -> None:
    """A small batch of motors of its own."""
    recordings = generate(PROJECT, 3, machines=12, seconds=SECONDS, start_machine=number * 12)
    publish_batch(store, PROJECT, name, recordings)


def test_a_burst_is_handled_in_one_run_and_a_bad_batch_is_set_aside(
    airflow: AirflowProcess, env: dict[str, str], store: Store, tmp_path: Path
) -> None:
    names = [f"burst-{number}" for number in range(6)]
    for number, name in enumerate(names):
        publish(store, name, number)
    relabel = LabelSet(
        project=PROJECT.name,
        source="operator",
        author="ada",
        at=datetime.now(UTC),
        labels=(LabelRow(recording_id="sim3_m0000_ball", label="normal"),),
    )
    publish_labels(store, PROJECT, relabel)

    run = airflow.run_dag(env, DAG_ID, tmp_path / "run.json")

    assert run["state"] == "success", run
    apart = {"measure_files": "skipped", "join_batches": "skipped"}
    assert run["tasks"] == {"ingest_batches": "success", **apart}
    assert outstanding_batches(store, PROJECT) == []
    assert receipts.handled(store, PROJECT.name, Consumer.INGEST) == set(names)
    version = current_version(store, PROJECT)
    [[asset, extra]] = run["events"]
    assert asset == "motor_health/dataset"
    assert extra["version"] == version
    assert extra["uri"] == store.uri(layout.dataset(PROJECT.name, str(version)))
    manifest = store.get_json(layout.dataset_manifest(PROJECT.name, str(version)))
    assert {entry["batch"] for entry in manifest["batches"]} == set(names)
    # Labels are about recordings of the very batches that came with them.
    [told] = run["xcoms"]["ingest_batches"]["labels"]
    assert (told["status"], told["labels"], told["dataset"]) == ("applied", relabel.id, version)
    assert extra["labels"] == [told]
    assert outstanding_inputs(store, PROJECT) == []

    wrong = [
        dataclasses.replace(one, label="broken_fan")
        for one in generate(PROJECT, 3, machines=2, seconds=SECONDS)
    ]
    publish_batch(store, PROJECT, "mislabelled", wrong)
    machine = next(iter(manifest["counts"]["by_machine"]))
    request = ask(store, PROJECT.name, "forget", "ada", machine).id
    assert request in outstanding_inputs(store, PROJECT)

    run = airflow.run_dag(env, DAG_ID, tmp_path / "again.json")

    # A refused batch is no failure, and nothing new wakes nobody up.
    assert run["state"] == "success", run
    assert run["tasks"] == {"ingest_batches": "skipped", **apart}
    assert run["events"] == []
    # What was asked to be removed is, before anything is taken in; maintain tells train of it.
    report = run["xcoms"]["ingest_batches"]["requests"][request]
    assert report["versions"][-1] == version
    version = current_version(store, PROJECT)
    assert version == report["current"] == outstanding_dataset(store, PROJECT)
    left = store.get_json(layout.dataset_manifest(PROJECT.name, str(version)))
    assert manifest["counts"]["by_machine"].keys() - left["counts"]["by_machine"] == {machine}
    assert outstanding_inputs(store, PROJECT) == []
    [told] = run["xcoms"]["ingest_batches"]["batches"]
    assert told["status"] == "quarantined"
    assert told["reason"]
    assert store.folders(layout.quarantines(PROJECT.name)) == ["mislabelled"]

    # Much is measured apart; a file that is cut short concerns its batch alone.
    for number, name in enumerate(("late", "cut"), 6):
        publish(store, name, number)
    cut = layout.batch_recordings(PROJECT.name, "cut")
    store.put(cut, store.get(cut)[:-100])

    run = airflow.run_dag(env | {"TINYOPS_MAPPED_MB": "0"}, DAG_ID, tmp_path / "large.json")

    assert run["state"] == "success", run
    assert set(run["tasks"].values()) == {"success"}
    assert outstanding_batches(store, PROJECT) == []
    version = current_version(store, PROJECT)
    [[_, extra]] = run["events"]
    assert extra["version"] == version
    manifest = store.get_json(layout.dataset_manifest(PROJECT.name, str(version)))
    taken = {entry["batch"] for entry in manifest["batches"]}
    assert taken == {*names, "late"}
    told = {one["batch"]: one["status"] for one in run["xcoms"]["join_batches"]["batches"]}
    assert told == {"late": "accepted", "cut": "quarantined"}
    assert list(store.objects(layout.staging(PROJECT.name))) == []
