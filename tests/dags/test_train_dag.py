"""The train DAG with nothing new, on a real Airflow database and a real S3 server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.airflow_runs import AirflowProcess
from tests.support.label_requests import request_labels
from tinyops.store import Consumer, Receipt, Store, receipts
from tinyops_airflow.work import nothing_to_train

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PROJECT = "motor_health"
DAG_ID = "motor_health__train"


def test_nothing_new_is_a_skip_with_the_reason(
    airflow: AirflowProcess, store: Store, tmp_path: Path
) -> None:
    assert nothing_to_train(store, PROJECT) == "no dataset version that was not trained on"
    # Somebody is to look at a device: no labels will come of that.
    request_labels(store, PROJECT, "r1", "look")
    assert nothing_to_train(store, PROJECT) == "no dataset version that was not trained on"
    request_labels(store, PROJECT, "r2", instructions="label what pump-7 senses")
    wanted = "waiting for labels for r2: label what pump-7 senses"
    assert nothing_to_train(store, PROJECT) == wanted

    answer = tmp_path / "run.json"
    [run] = airflow.run_dags(airflow.env(TINYOPS_BUCKET=store.bucket), [DAG_ID], answer)

    assert run["state"] == "success", run
    assert run["tasks"] == {"choose_dataset": "skipped", "train_candidate": "skipped"}
    assert run["events"] == []
    assert wanted in answer.with_suffix(".log").read_text()
    receipts.write(store, PROJECT, Receipt(Consumer.ANSWER, "r2", "done"))
    assert nothing_to_train(store, PROJECT) == "no dataset version that was not trained on"


def test_the_nightly_look_imports_nothing_heavy() -> None:
    heavy = {
        "tensorflow",
        "keras",
        "great_expectations",
        "pandas",
        "mlflow",
        "sklearn",
        "evidently",
    }
    code = (
        "import sys, tinyops.training.pipeline, tinyops.data.labels.labels, boto3\n"
        f"print(sorted(set(sys.modules) & {heavy!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
