"""Airflow in child processes: its settings are fixed at import, so no test imports it here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.checkout import ROOT


def airflow_env(home: Path, **more: str) -> dict[str, str]:
    """The environment of an Airflow process with its own home and this checkout's DAGs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    # Airflow finds the plugins folder by itself only after its settings are read.
    path = os.pathsep.join([str(ROOT / "plugins"), os.environ.get("PYTHONPATH", "")])
    return {
        **kept,
        "PYTHONPATH": path.rstrip(os.pathsep),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        **more,
    }


def python(
    script: Path, *arguments: str, env: dict[str, str], timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run a script of the tests to its end; a failure shows what it printed."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{script.name}: {done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done


def answer_of(
    script: Path, *arguments: str, env: dict[str, str], answer: Path, timeout: float = 240
) -> Any:
    """Run a script that writes its answer as JSON into the file named by its first argument."""
    done = python(script, str(answer), *arguments, env=env, timeout=timeout)
    # Kept beside the answer: the log of a task that failed is in here.
    answer.with_suffix(".log").write_text(done.stdout + done.stderr)
    return json.loads(answer.read_text())


_migrated: Path | None = None


def migrate(env: dict[str, str]) -> None:
    """Make the SQLite database of an Airflow home, and the pools; later ones copy the first."""
    global _migrated
    database = Path(env["AIRFLOW_HOME"]) / "airflow.db"
    if _migrated and _migrated.exists():
        shutil.copy(_migrated, database)
        return
    pools = ROOT / "plugins" / "tinyops_airflow" / "pools.json"
    for arguments in (["db", "migrate"], ["pools", "import", str(pools)]):
        command = [sys.executable, "-m", "airflow", *arguments]
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=240)
    _migrated = Path(shutil.copy(database, database.with_name("migrated.db")))


def run_dags(env: dict[str, str], dag_ids: list[str], answer: Path) -> list[dict[str, Any]]:
    """One `dag.test()` after the other in one process: [{state, tasks, tries, xcoms, events}].

    A process of its own costs each about 10 s on two cores, so a chain shares one.
    """
    script = ROOT / "tests" / "support" / "dags" / "run_dags.py"
    runs: list[dict[str, Any]] = answer_of(script, *dag_ids, env=env, answer=answer, timeout=900)
    return runs


def run_dag(env: dict[str, str], dag_id: str, answer: Path) -> dict[str, Any]:
    """Like run_dags, for one."""
    [run] = run_dags(env, [dag_id], answer)
    return run


def parse_dags(home: Path, **more: str) -> dict[str, Any]:
    """Parse dags/ with an empty Airflow home; see support/dags/describe_bag.py for the answer."""
    script = ROOT / "tests" / "support" / "dags" / "describe_bag.py"
    return answer_of(script, env=airflow_env(home, **more), answer=home / "bag.json")
