"""The whole loop, as a user runs it: both projects, one after the other, on one state folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tinyops.local.ports import free_ports

TINYOPS = Path(sys.executable).with_name("tinyops")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture(scope="module")
def ports() -> list[str]:
    s3, airflow = free_ports(2)
    return ["--s3-port", str(s3), "--airflow-port", str(airflow)]


def run_demo(project: str, projects: Path, state: Path, ports: list[str]) -> dict[str, Any]:
    drop = ("AWS_", "AIRFLOW_", "MLFLOW_", "TINYOPS_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    done = subprocess.run(
        [TINYOPS, "demo", "--json", "--project", project, "--state-dir", state, *ports],
        env=env | {"TINYOPS_PROJECTS": str(projects)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
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


@pytest.mark.parametrize("project", ["motor_health", "exercise_watch"])
def test_new_data_ends_on_an_attested_board(
    project: str, undemanding: Path, state: Path, ports: list[str]
) -> None:
    told = run_demo(project, undemanding, state, ports)

    assert told["attested"] is True
    assert [stage["state"] for stage in told["stages"]] == ["done"] * 6
    train, release = told["stages"][2:4]
    assert release["output"] == train["output"], "the release carries its candidate's id"
    ran = {task["dag"].removeprefix(f"{project}__") for task in told["tasks"]}
    assert ran == {"ingest", "train", "release"}
    assert told["simulated_data"] is (project == "motor_health")
    assert processes_of(state) == []
