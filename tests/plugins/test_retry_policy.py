"""What is retried: tried out on a real Airflow task, and rule by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.airflow_runs import SCRIPTS, airflow_env, answer_of, migrate

pytestmark = pytest.mark.slow

PROBE = """
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tinyops_airflow.defaults import DEFAULT_ARGS, RETRY_POLICY

from tinyops.errors import TinyOpsError
from tinyops.projects import ProjectError
from tinyops.store import StoreError, StoreUnavailable
from tinyops_airflow.work import handle_each, run_name

cases = {
    "store away": StoreUnavailable("S3 does not answer", "wait"),
    "wrong keys": StoreError("refused", "check the keys"),
    "project": ProjectError("no such key", "remove it"),
    "ours": TinyOpsError("no", "never"),
    "port": OSError(16, "Device or resource busy"),
    "gone": ConnectionResetError(),
    "late": TimeoutError(),
    "typo": AttributeError("module has no attribute"),
    "other": RuntimeError("worker lost"),
}
import serial
cases["serial"] = serial.SerialException("device disconnected")
answer = {name: RETRY_POLICY.evaluate(error, 1, 4).action.value for name, error in cases.items()}
Path(sys.argv[1]).write_text(json.dumps(answer))
"""

DAGS = """
from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, task
from tinyops_airflow.defaults import DEFAULT_ARGS, START

from tinyops.errors import TinyOpsError
from tinyops.store import StoreUnavailable

MARK = Path(__file__).with_name("was_here")


@dag(
    dag_id="failures",
    schedule=None,
    start_date=START,
    default_args={**DEFAULT_ARGS, "retry_delay": timedelta(seconds=0.1)},
)
def failures():
    @task
    def away_once():
        if not MARK.exists():
            MARK.touch()
            raise StoreUnavailable("S3 does not answer", "wait")

    @task
    def hopeless():
        raise TinyOpsError("no such board", "name another")

    away_once()
    hopeless()


failures()
"""


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the policy decides about each kind of failure."""
    home = tmp_path_factory.mktemp("policy-home")
    script = home / "probe.py"
    script.write_text(PROBE)
    return dict(answer_of(script, env=airflow_env(home), answer=home / "answer.json"))


@pytest.mark.parametrize("case", ["store away", "port", "gone", "late", "serial"])
def test_what_may_pass_is_retried(decisions: dict[str, str], case: str) -> None:
    assert decisions[case] == "retry"


@pytest.mark.parametrize("case", ["wrong keys", "project", "ours", "typo"])
def test_what_cannot_pass_fails_at_once(decisions: dict[str, str], case: str) -> None:
    assert decisions[case] == "fail"


def test_anything_else_is_left_to_the_retries_of_the_task(decisions: dict[str, str]) -> None:
    assert decisions["other"] == "default"


@pytest.mark.timeout(900)
def test_a_real_run_retries_an_outage_and_gives_up_on_an_error_of_ours(
    tmp_path: Path, worker_folder: Path
) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "failures.py").write_text(DAGS)
    env = airflow_env(tmp_path, AIRFLOW__CORE__DAGS_FOLDER=str(dags))
    migrate(env, worker_folder)

    # A folder of DAGs is a setting of Airflow's own: in a process of its own.
    [run] = answer_of(SCRIPTS / "run_dags.py", "failures", env=env, answer=tmp_path / "run.json")

    assert run["tasks"] == {"away_once": "success", "hopeless": "failed"}
    assert run["tries"] == {"away_once": 2, "hopeless": 1}
