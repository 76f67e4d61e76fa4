"""The maintain DAG on a real Airflow database and a real S3 server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.airflow_runs import AirflowProcess
from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.store import Consumer, Pointer, Receipt, Store, edge_layout, layout, receipts
from tinyops_airflow.work import left_over

pytestmark = pytest.mark.slow


def test_every_dag_that_waits_for_assets_is_woken_for_what_it_left_over(
    bag: dict[str, Any], store: Store
) -> None:
    project = "motor_health"
    assert left_over(store, project) == {}
    store.put_json(layout.batch_ready(project, "b1"), {})
    store.put_json(layout.pointer(project, Pointer.DATASET), {"version": "d1"})
    store.put_json(layout.dataset_manifest(project, "d1"), {"version": "d1"})
    store.put_json(layout.pointer(project, Pointer.CANDIDATE), {"version": "run-1"})
    store.put(FrameFile("2026-01-01", "line-3", 1).key(project), b"frames")
    waiting = {
        dag_id: dag["awaited"].keys()
        for dag_id, dag in bag["dags"].items()
        if dag_id.startswith(f"{project}__") and dag["awaited"]
    }
    work = left_over(store, project)
    assert work.keys() == waiting.keys()
    for dag_id, (kind, _) in work.items():
        assert f"{project}/{kind}" in waiting[dag_id], dag_id


@pytest.mark.timeout(900)
def test_wakes_up_what_is_outstanding_and_nothing_else(
    airflow: AirflowProcess, store: Store, tmp_path: Path
) -> None:
    for batch in ("handled", "left-over"):
        store.put(layout.batch_recordings("motor_health", batch), b"recordings")
        store.put_json(layout.batch_ready("motor_health", batch), {"batch": batch})
    receipts.write(store, "motor_health", Receipt(Consumer.INGEST, "handled", "done"))
    # Accepted but not released, and for the other project already released.
    for project in ("motor_health", "exercise_watch"):
        store.put_json(layout.pointer(project, Pointer.CANDIDATE), {"version": "run-1"})
    receipts.write(store, "exercise_watch", Receipt(Consumer.RELEASE, "run-1", "done"))
    # Too old for the trigger to look at.
    late = FrameFile("2026-01-01", "line-3", 1)
    store.put(late.key("motor_health"), b"frames")
    # Trouble of a third project, and an event that is none, stop nobody else.
    store.put_json(layout.pointer("motor_sound", Pointer.CANDIDATE), {"damaged": True})
    store.put(edge_layout.gateway_event("mallory", "29990101T000000.000000Z-0"), b"null")
    env = airflow.env(TINYOPS_BUCKET=store.bucket, TINYOPS_STATE=str(tmp_path / "state"))

    run = airflow.run_dag(env, "tinyops__maintain", tmp_path / "run.json")

    assert run["state"] == "success", run
    assert run["tasks"] == {
        "refresh_metadata": "success",
        "settle_champions": "success",
        "look_for_old_data": "success",
        "wake_up": "success",
    }
    assert sorted(run["events"]) == [
        ["motor_health/candidate", {"outstanding": "run-1"}],
        ["motor_health/frames", {"outstanding": [late.id]}],
        ["motor_health/incoming", {"outstanding": ["left-over"]}],
    ]
