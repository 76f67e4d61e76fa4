"""Airflow in child processes: its settings are fixed at import, so no test imports it here."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.checkout import ROOT

SCRIPTS = ROOT / "tests" / "support" / "dags"


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


def migrate(env: dict[str, str], shared: Path) -> None:
    """Make the SQLite database of an Airflow home, and the pools.

    Parameters
    ----------
    shared
        Folder of all pytest workers: the first one migrates, which takes 15 s, the others copy.
    """
    database, migrated = Path(env["AIRFLOW_HOME"]) / "airflow.db", shared / "airflow-migrated.db"
    with (shared / "airflow-migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not migrated.exists():
            pools = ROOT / "plugins" / "tinyops_airflow" / "pools.json"
            for arguments in (["db", "migrate"], ["pools", "import", str(pools)]):
                command = [sys.executable, "-m", "airflow", *arguments]
                subprocess.run(command, env=env, check=True, capture_output=True, timeout=240)
            migrated.with_suffix(".part").write_bytes(database.read_bytes())
            migrated.with_suffix(".part").rename(migrated)
    shutil.copy(migrated, database)


class AirflowProcess:
    """Scripts in forks of one process that has imported Airflow; see airflow_fork_server.py.

    Parameters
    ----------
    home
        Airflow's home with a migrated database. All scripts share it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._server: subprocess.Popen[str] | None = None

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a script; `more` are variables of TinyOps, not of Airflow."""
        return airflow_env(self.home, **more)

    def answer_of(self, script: Path, *arguments: str, env: dict[str, str], answer: Path) -> Any:
        """JSON that a script writes into the file named by its first argument.

        Its output is kept beside the answer as .log; a failure shows its end.
        """
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, str(SCRIPTS / "airflow_fork_server.py")],
                env=self.env(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        log = answer.with_suffix(".log")
        arguments = (str(answer), *arguments)
        request = {"script": str(script), "arguments": arguments, "env": env, "log": str(log)}
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        status = self._server.stdout.readline().strip()
        assert status, "the process that imports Airflow has ended; its reason is on standard error"
        assert status == "0", f"{script.name}: status {status}: {log.read_text()[-9000:]}"
        return json.loads(answer.read_text())

    def run_dags(
        self, env: dict[str, str], dag_ids: list[str], answer: Path
    ) -> list[dict[str, Any]]:
        """One `dag.test()` after the other: [{state, tasks, tries, xcoms, events}]."""
        script = SCRIPTS / "run_dags.py"
        runs: list[dict[str, Any]] = self.answer_of(script, *dag_ids, env=env, answer=answer)
        return runs

    def run_dag(self, env: dict[str, str], dag_id: str, answer: Path) -> dict[str, Any]:
        """Like run_dags, for one."""
        [run] = self.run_dags(env, [dag_id], answer)
        return run

    def close(self) -> None:
        """End the process."""
        if self._server is not None:
            assert self._server.stdin is not None
            self._server.stdin.close()
            self._server.wait(60)


def answer_of(
    script: Path, *arguments: str, env: dict[str, str], answer: Path, timeout: float = 240
) -> Any:
    """Like AirflowProcess.answer_of, in a process of its own: for settings of Airflow's own."""
    log = answer.with_suffix(".log")
    with log.open("wb") as out:
        done = subprocess.run(
            [sys.executable, str(script), str(answer), *arguments],
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    assert done.returncode == 0, f"{script.name}: {log.read_text()[-9000:]}"
    return json.loads(answer.read_text())


def parse_dags(home: Path, **more: str) -> dict[str, Any]:
    """Parse dags/ with an empty Airflow home; see support/dags/describe_bag.py for the answer."""
    script = SCRIPTS / "describe_bag.py"
    return dict(answer_of(script, env=airflow_env(home, **more), answer=home / "bag.json"))
