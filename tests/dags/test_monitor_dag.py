"""The monitor DAG and what it wakes, on a real Airflow database and a real S3 server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.airflow_runs import AirflowProcess
from tests.support.frame_makers import DEVICE, VERSION, damaged, send
from tests.support.reference_maker import count_frames, release_reference
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.labels.label_set import LabelError
from tinyops.data.recordings.sources.registry import generate
from tinyops.projects import load_project
from tinyops.store import Consumer, Pointer, Receipt, Store, layout, receipts
from tinyops_airflow.judging import judge_devices
from tinyops_airflow.work import left_over, nothing_to_train

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROJECT = load_project("motor_health")
SECONDS = 1.5 * PROJECT.signal.window / PROJECT.signal.rate_hz
MONITOR, TRAIN = "motor_health__monitor", "motor_health__train"


@pytest.fixture
def house(store: Store) -> Store:
    """A store with a dataset that was trained on, and the release that came of it."""
    publish_batch(store, PROJECT, "first", generate(PROJECT, 3, machines=12, seconds=SECONDS))
    dataset = ingest_batch(store, PROJECT, "first")["dataset"]
    receipts.write(store, PROJECT.name, Receipt(Consumer.TRAIN, dataset, "done"))
    release_reference(store, PROJECT.name)
    store.put_json(
        layout.release_manifest(PROJECT.name, VERSION),
        {"dataset": dataset, "created": datetime.now(UTC).isoformat()},
    )
    return store


def test_a_drift_asks_for_labels_once_and_training_waits_for_them(
    airflow: AirflowProcess, house: Store, tmp_path: Path
) -> None:
    env = airflow.env(TINYOPS_BUCKET=house.bucket)
    healthy = count_frames(1, 5)
    send(house, [*healthy[:4], replace(healthy[4], frame=damaged(healthy[4].frame))])

    [first] = airflow.run_dags(env, [MONITOR], tmp_path / "healthy.json")

    assert first["tasks"] == {"judge": "success", "report": "success"}
    assert first["events"] == [], "nobody is woken by a verdict alone"
    told = first["xcoms"]["judge"]
    assert told["frames"]["accepted"] == 4
    assert told["frames"]["set_aside"] == {"wrong CRC": 1}
    assert told["verdicts"][DEVICE].startswith("none: ")
    [report] = first["xcoms"]["report"]["return_value"]
    assert house.exists(house.key(report))

    send(house, count_frames(2, 4, first=5, shift=6.0), seq=2)

    answer = tmp_path / "drifted.json"
    drifted, training, again = airflow.run_dags(env, [MONITOR, TRAIN, MONITOR], answer)

    [[asset, extra]] = drifted["events"]
    assert asset == "motor_health/drift"
    assert (extra["kind"], extra["device"], extra["release"]) == ("data drift", DEVICE, VERSION)
    request = house.get_json(layout.label_request(PROJECT.name, extra["request"]))
    assert extra["instructions"] == request["instructions"]
    assert house.get_json(house.key(extra["uri"]))["status"] == "data drift"
    assert training["tasks"] == {"choose_dataset": "skipped", "train_candidate": "skipped"}
    assert training["events"] == []
    assert f"waiting for labels for {request['id']}" in answer.with_suffix(".log").read_text()
    assert again["tasks"] == {"judge": "skipped", "report": "skipped"}
    assert again["events"] == []


def test_a_request_that_cannot_be_read_stops_it_before_anything_is_judged(house: Store) -> None:
    send(house, count_frames(1, 4, shift=6.0))
    key = layout.label_request(PROJECT.name, "broken")
    house.put_json(key, {})

    with pytest.raises(LabelError, match="request broken of motor_health"):
        judge_devices(house, PROJECT)
    with pytest.raises(LabelError, match="request broken of motor_health"):
        nothing_to_train(house, PROJECT.name)
    assert not house.exists(layout.pointer(PROJECT.name, Pointer.VERDICT))

    house.delete(key)
    judged = judge_devices(house, PROJECT)
    assert [one["kind"] for one in judged.requests] == ["data drift"]
    assert judged.changed == judged.standing != []


def test_late_files_and_silent_devices_are_left_over(house: Store) -> None:
    past = datetime.now(UTC) - timedelta(days=3)
    records = [replace(one, received_at=past.isoformat()) for one in count_frames(1, 4)]
    late = send(house, records, date=f"{past:%Y-%m-%d}")
    said = {"at": (datetime.now(UTC) - timedelta(hours=30)).isoformat(), "reason": "T² is small"}
    house.put_json(layout.pointer(PROJECT.name, Pointer.VERDICT), {"devices": {"press-8": said}})
    assert left_over(house, PROJECT.name)[MONITOR] == ("frames", [late.id, "press-8"])

    judged = judge_devices(house, PROJECT)

    assert judged.verdicts[DEVICE].startswith("unknown: no frames since")
    assert (judged.requests, judged.changed) == ([], judged.standing)
    assert left_over(house, PROJECT.name)[MONITOR] == ("frames", ["press-8"])
