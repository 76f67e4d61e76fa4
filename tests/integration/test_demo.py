"""The whole story, as a user runs it; real recordings go as far in `make soak`, and to a signed
release in test_chain.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tinyops.boards.virtual import BOARDS
from tinyops.local.ports import free_ports
from tinyops.projects import projects_folder

TINYOPS = Path(sys.executable).with_name("tinyops")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2100)]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture(scope="module")
def ports() -> list[str]:
    s3, airflow = free_ports(2)
    return ["--s3-port", str(s3), "--airflow-port", str(airflow)]


def clean_env() -> dict[str, str]:
    drop = ("AWS_", "AIRFLOW_", "MLFLOW_", "TINYOPS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(drop)}


def run_demo(
    project: str, projects: Path, state: Path, ports: list[str], *more: str
) -> dict[str, Any]:
    done = subprocess.run(
        [TINYOPS, "demo", "--json", "--project", project, "--state-dir", state, *ports, *more],
        env=clean_env() | {"TINYOPS_PROJECTS": str(projects)},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return json.loads(done.stdout)


def processes_of(state: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if str(state) in words + process.environ().get("TINYOPS_STATE", ""):
                found.append(words)
        except psutil.Error:
            continue
    return found


def require_retrained(told: dict[str, Any], turns: int) -> None:
    """The world changed, it was found, labels came, and the retrained model has cleared it."""
    alarm, clear = told["alarm"], told["clear"]
    assert (alarm["status"], clear["status"]) == ("data drift", "none")
    assert alarm["reference_tag"] != clear["reference_tag"]
    first, second = told["turns"][:2]
    assert alarm["release"] == first["release"]
    assert clear["release"] == second["release"]
    assert told["new_condition"]["challenger"]["windows"] > 0
    assert told["old_test"]["challenger"]["windows"] > 0
    assert Path(told["picture"]).read_bytes().startswith(b"\x89PNG")
    require_turns(told, turns)


def require_turns(told: dict[str, Any], turns: int) -> None:
    """Every turn went from data or labels in S3 to an attested board."""
    assert len(told["turns"]) == turns
    for turn in told["turns"]:
        assert [stage["state"] for stage in turn["stages"]] == ["done"] * 6
        train, release = turn["stages"][2:4]
        assert release["output"] == train["output"], "the release carries its candidate's id"
        ran = {task["dag"].rpartition("__")[2] for task in turn["tasks"]}
        assert ran == {"ingest", "train", "release"}


def require_fleet(told: dict[str, Any]) -> None:
    """Beside it, one release of another project came to a board of each kind."""
    fleet = told["fleet"]["devices"]
    assert {device["board"] for device in fleet} == set(BOARDS)
    assert all("golden windows" in device["attested"] for device in fleet)


def test_simulated_motors_change_and_are_learnt_again(
    undemanding: Path, state: Path, ports: list[str]
) -> None:
    told = run_demo("motor_health", undemanding, state, ports)

    require_retrained(told, 2)
    assert told["simulated_data"] is True
    require_fleet(told)
    assert processes_of(state) == []


@pytest.mark.soak
def test_simulated_motors_change_and_then_what_people_call_them(
    undemanding: Path, tmp_path: Path, ports: list[str]
) -> None:
    # Its steps are in CI one by one: sketches and monitoring/test_judge.py come to the verdict,
    # monitoring/test_requests_for_labels.py to the request, cli/test_label.py to the answer, and
    # data/labels/test_labels.py to the dataset version that is trained on.
    told = run_demo("motor_health", undemanding, tmp_path / "state", ports, "--concept")

    require_retrained(told, 3)
    assert told["unmoved"]["status"] == "none", "the inputs alone do not show a change of meaning"
    assert told["concept"]["status"] == "concept drift"
    assert told["concept"]["statistic"] < told["concept"]["threshold"]
    assert told["concept_clear"]["status"] == "none"
    require_fleet(told)
    assert processes_of(tmp_path / "state") == []


@pytest.mark.soak
def test_real_recordings_end_on_an_attested_board(
    undemanding: Path, state: Path, ports: list[str]
) -> None:
    told = run_demo("exercise_watch", undemanding, state, ports, "--loop")

    require_turns(told, 1)
    assert told["simulated_data"] is False
    assert processes_of(state) == []


def test_a_demo_that_is_killed_leaves_nothing_running(tmp_path: Path, ports: list[str]) -> None:
    state = tmp_path / "state"
    command = [str(TINYOPS), "demo", "--project", "exercise_watch", "--state-dir", str(state)]
    with subprocess.Popen(
        [*command, *ports], env=clean_env(), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        line = next(line for line in demo.stdout if "s3 answers" in line)
        assert processes_of(state), line
        demo.terminate()
        demo.stdout.read()
        assert demo.wait(120) == 0
    assert processes_of(state) == []


@pytest.mark.soak
def test_a_new_person_is_found_and_learnt_from(tmp_path: Path, ports: list[str]) -> None:
    told = run_demo("exercise_watch", projects_folder(), tmp_path / "state", ports)

    require_retrained(told, 2)
    assert processes_of(tmp_path / "state") == []
