"""The embedded Airflow: its four components as processes of their own.

`airflow standalone` runs the same four and one more that watches them. Started directly (Airflow
3.3.2) each is named when it dies, the stack takes 300 MB less, and the two log servers, which
listen on every interface, are left out: all components read the same folder.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tinyops.errors import TinyOpsError
from tinyops.local import ports, process
from tinyops.local.airflow_client import AirflowClient, AirflowError
from tinyops.local.airflow_settings import (
    USERNAME,
    database_path,
    ensure_secrets,
    read_secrets,
    settings,
)
from tinyops.local.process import Command
from tinyops.private_folder import private_folder

COMPONENTS = {
    "airflow-api-server": ("api-server",),
    "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-triggerer": ("triggerer", "--skip-serve-logs"),
}
PRELOADED = "great_expectations,evidently"
"""What the scheduler imports before it starts: LocalExecutor's workers are its forks and tasks are
theirs (Airflow 3.3.2, Linux), so that a task need not: 4 s of a core each, every time, otherwise.
Neither starts threads. TensorFlow would keep 400 MB for a task that runs seldom and long."""
HEALTHY = ("metadatabase", "scheduler", "triggerer", "dag_processor")


class EmbeddedAirflowError(TinyOpsError):
    """The embedded Airflow does not start."""


class EmbeddedAirflow:
    """Airflow on SQLite and LocalExecutor, below `<state_dir>/airflow`.

    Parameters
    ----------
    state_dir
        Made if absent.
    repository
        The folder that holds dags/, plugins/ and include/.
    port
        Of the API server; None before it is known.
    """

    def __init__(self, state_dir: Path, repository: Path, port: int) -> None:
        self.state_dir = state_dir.resolve()
        self.home = self.state_dir / "airflow"
        self.repository = repository
        self.port = port
        self.run_dir = self.state_dir / "run"
        self.log_dir = self.state_dir / "logs"
        self._client: AirflowClient | None = None

    @property
    def url(self) -> str:
        """The web pages and the API."""
        return f"http://{ports.HOST}:{self.port}"

    @property
    def username(self) -> str:
        """Who signs in."""
        return USERNAME

    @property
    def password(self) -> str:
        """Made at first start; empty before."""
        known = read_secrets(self.home)
        return known.password if known else ""

    def api(self, method: str, path: str, json: Any = None) -> Any:
        """One request to the REST API, as the administrator. See AirflowClient.api."""
        if self._client is None:
            self._client = AirflowClient(self.url, self.username, self.password)
        return self._client.api(method, path, json)

    def env(self, extra: Mapping[str, str]) -> dict[str, str]:
        """All variables of an Airflow process; `extra` is what DAGs need (S3, MLflow, …)."""
        known = ensure_secrets(self.home)
        return settings(self.home, self.repository, self.port, known) | dict(extra)

    def migrate(self, extra: Mapping[str, str]) -> None:
        """Make or upgrade the metadata database and its pools; at once when that was done before.

        Pools come by command, not by REST API: the API server writes its audit log on its event
        loop, and with SQLite a request that changes something then blocks a task's request that
        holds the write lock, until SQLite gives up (Airflow 3.3.2; seen with POST /pools while the
        first tasks started).
        """
        pools = self.repository / "plugins" / "tinyops_airflow" / "pools.json"
        stamp = self.home / "migrated"
        wanted = f"{version('apache-airflow-core')} {sha256(pools.read_bytes()).hexdigest()}"
        if database_path(self.home).exists() and _text(stamp) == wanted:
            return
        env = process.environment(self.env(extra))
        self._command(["db", "migrate"], env)
        self._command(["pools", "import", str(pools)], env)
        stamp.write_text(wanted, encoding="utf-8")

    def _command(self, arguments: list[str], env: dict[str, str]) -> None:
        log = process.log_path(private_folder(self.log_dir), "airflow-migrate")
        with log.open("ab") as output:
            done = subprocess.run(
                [sys.executable, "-m", "airflow", *arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            last = " | ".join(process.last_lines(log, 2))
            raise EmbeddedAirflowError(f"Airflow's database cannot be made: {last}", f"read {log}")

    def start(self, extra: Mapping[str, str]) -> None:
        """Start the components that do not run; does not wait.

        Raises
        ------
        PortTaken
            Somebody else listens on the port.
        """
        self.require_port()
        env = self.env(extra)
        for name in self.dead():
            # Members that outlived their component would hold the port or run tasks twice.
            process.stop(self.run_dir, name)
            run = ["airflow", *COMPONENTS[name]]
            if name == "airflow-scheduler":
                run = ["tinyops.local.preload", PRELOADED, *run]
            command = Command(name, [sys.executable, "-m", *run], env)
            process.start(command, self.run_dir, self.log_dir)

    def require_port(self) -> None:
        """PortTaken when somebody else listens on the port."""
        if not process.running(self.run_dir, "airflow-api-server"):
            option = "--airflow-port or TINYOPS_AIRFLOW_PORT"
            ports.require_free(self.port, "Airflow", option)

    def wait(self, timeout: float, progress: Callable[[str], None]) -> None:
        """Until all components report a heartbeat.

        Raises
        ------
        EmbeddedAirflowError
            A component ended, or not all are healthy in time (seconds).
        """
        self._client = AirflowClient(self.url, self.username, self.password)
        deadline = time.monotonic() + timeout
        told: set[str] = set()
        while True:
            health = self._client.health()
            healthy = {name for name in HEALTHY if health.get(name) == "healthy"}
            if healthy - told:
                progress(f"airflow: {', '.join(sorted(healthy - told))} healthy")
                told = healthy
            if len(healthy) == len(HEALTHY):
                # The first request to the tasks' API takes 5 s, a task's limit (Airflow 3.3.2):
                # the first task would wait for it and then start twice.
                self._client.warm_up()
                return
            for name in self.dead():
                log = process.log_path(self.log_dir, name)
                last = " | ".join(process.last_lines(log, 2))
                raise EmbeddedAirflowError(f"{name} ended: {last or 'no output'}", f"read {log}")
            if time.monotonic() > deadline:
                late = ", ".join(sorted(set(HEALTHY) - healthy))
                raise EmbeddedAirflowError(
                    f"Airflow is not healthy after {timeout:.0f} s: waiting for {late}",
                    f"read {self.log_dir}/airflow-*.log",
                )
            time.sleep(0.2)

    def wait_for_dags(self, dag_ids: set[str], timeout: float) -> set[str]:
        """Wait until the DAG processor has met these; returns those it has not met in time."""
        deadline = time.monotonic() + timeout
        missing = dag_ids
        while True:
            # While all is being imported, a request may take longer than its limit.
            with contextlib.suppress(AirflowError):
                answer = self.api("GET", "/api/v2/dags?limit=1000&exclude_stale=false")
                missing = dag_ids - {str(dag["dag_id"]) for dag in answer["dags"]}
            if not missing or time.monotonic() > deadline:
                return missing
            time.sleep(0.3)

    def stop(self) -> None:
        """End all components, the scheduler first so that it starts no more tasks."""
        order = ["airflow-scheduler", *(name for name in COMPONENTS if name != "airflow-scheduler")]
        # The API server waits 10 s for connections that its clients keep open (3.3.2). It holds
        # nothing that is lost: the database is journalled, tasks of this session end with it.
        process.stop_all(self.run_dir, order, timeout=6.0)

    def dead(self) -> list[str]:
        """Names of the components that do not run."""
        return [name for name in COMPONENTS if not process.running(self.run_dir, name)]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
