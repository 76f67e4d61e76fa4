"""The maintain DAG on a real Airflow database and a real S3 server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.airflow_runs import AirflowProcess
from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.store import Consumer, Pointer, Receipt, Store, layout, receipts


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
