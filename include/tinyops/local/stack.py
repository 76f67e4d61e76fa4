"""The whole embedded stack: S3, Airflow, gateway and virtual boards, up and down as one.

Everything is detached from the caller and recorded below the state folder: another `Stack` on the
same folder, in another process, after a crash or a reboot, finds what runs and nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tinyops import mlflow_store
from tinyops.errors import TinyOpsError
from tinyops.local import process
from tinyops.local.airflow import COMPONENTS, EmbeddedAirflow
from tinyops.local.edge import EmbeddedEdge, missing_virtual_board
from tinyops.local.swift import PROCESSES, EmbeddedS3
from tinyops.private_folder import private_folder
from tinyops.projects import Project, ProjectError, load_project, project_names
from tinyops.projects.dag_ids import dag_id

DEFAULT_STATE = Path(".tinyops")
PACE = {"TINYOPS_POLL_SECONDS": "2", "TINYOPS_MONITOR_SECONDS": "20"}
"""Seconds between looks into S3: everything is on this machine, and somebody is watching."""
S3_PORT = 8333
AIRFLOW_PORT = 8080
REPOSITORY = Path(__file__).resolve().parents[3]

State = Literal["running", "dead", "stopped"]


class StackError(TinyOpsError):
    """A part of the stack has ended, or the stack is in use."""


@dataclass(frozen=True)
class ServiceStatus:
    """One row of `tinyops status`. `detail` names what ended; `log` is where to read on."""

    name: str
    state: State
    pids: tuple[int, ...] = ()
    url: str = ""
    detail: str = ""
    log: str = ""


class Stack:
    """The processes below one state folder.

    Parameters
    ----------
    state_dir
        Holds all data, keys, logs and records; made if absent.
    s3_port, airflow_port
        None: the port of the last time, else 8333 and 8080.
    """

    def __init__(
        self,
        state_dir: Path = DEFAULT_STATE,
        *,
        s3_port: int | None = None,
        airflow_port: int | None = None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.run_dir = self.state_dir / "run"
        self.log_dir = self.state_dir / "logs"
        known = self._known()
        self.s3 = EmbeddedS3(self.state_dir, s3_port or known.get("s3_port") or S3_PORT)
        self.airflow = EmbeddedAirflow(
            self.state_dir,
            REPOSITORY,
            airflow_port or known.get("airflow_port") or AIRFLOW_PORT,
        )
        self.edge = EmbeddedEdge(self.state_dir)

    @property
    def external_s3(self) -> bool:
        """Whether AWS_ENDPOINT_URL_S3 names another server than the embedded one."""
        named = os.environ.get("AWS_ENDPOINT_URL_S3")
        return bool(named) and named != self.s3.endpoint

    def env(self) -> dict[str, str]:
        """What a TinyOps process needs to work with this stack: S3, MLflow, the state folder."""
        if self.external_s3:
            prefixes = ("AWS_", "TINYOPS_")
            s3 = {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
        else:
            s3 = self.s3.env()
        return s3 | mlflow_store.env(self.state_dir) | {"TINYOPS_STATE": str(self.state_dir)}

    def up(self, progress: Callable[[str], None] = lambda line: None) -> None:
        """Start what does not run and wait until all of it answers; harmless when all is up.

        Parameters
        ----------
        progress
            Called with one short line whenever something has come about.
        """
        projects = self._projects(progress)
        with self._lock():
            # Before the first slow step.
            self.airflow.require_port()
            if not self.external_s3:
                self.s3.require_port()
            with ThreadPoolExecutor(1) as pool:
                # Only a training task needs MLflow: its database is made while Airflow starts.
                experiments = pool.submit(mlflow_store.migrate, self.state_dir)
                self._start_stores(progress)
                env = self.env()
                self._stop_if_changed(env)
                self.airflow.start(env | PACE)
                self._remember(env)
                self.edge.start_boards(projects)
                for kind in sorted({kind for each in projects for kind in each.boards}):
                    if reason := missing_virtual_board(kind):
                        progress(f"left out: {reason}")
                self.airflow.wait(180.0, progress)
                experiments.result()
            # By now the boards have their ports: the gateway finds them at its first look.
            self.edge.start_gateway(projects, env)
            progress(f"gateway and {len(self.edge.names()) - 1} virtual boards started")
            wanted = {dag_id(project.name, "ingest") for project in projects}
            if missing := self.airflow.wait_for_dags(wanted, 90.0):
                progress(f"airflow: DAGs not found yet: {', '.join(sorted(missing))}")
            progress(f"airflow answers at {self.airflow.url}")
        self.require_alive()

    def down(self, keep: Collection[str] = ()) -> None:
        """Stop everything that is recorded and still runs; nothing else is ever signalled.

        Parameters
        ----------
        keep
            Names of services to leave alone, as `running()` gives them.
        """
        if not self.state_dir.exists():
            return
        with self._lock():
            self.edge.stop(keep)
            if "airflow" not in keep:
                self.airflow.stop()
            if "s3" not in keep:
                self.s3.stop()

    def running(self) -> set[str]:
        """Names of the services of which something runs."""
        return {row.name for row in self.status() if row.pids}

    def status(self) -> list[ServiceStatus]:
        """One row a service."""
        s3_url = self.s3.endpoint if self.s3.port else ""
        rows = [
            self._row("s3", PROCESSES, s3_url),
            self._row("airflow", tuple(COMPONENTS), self.airflow.url),
        ]
        if self.external_s3:
            url = os.environ["AWS_ENDPOINT_URL_S3"]
            rows[0] = ServiceStatus("s3", "running", url=url, detail="external")
        return rows + [self._row(name, (name,)) for name in self.edge.names()]

    def require_alive(self) -> None:
        """StackError naming the first part that has ended, with its last words."""
        for row in self.status():
            if row.state != "running":
                raise StackError(
                    f"{row.name}: {row.detail or row.state}",
                    f"read {row.log}; `tinyops up` starts it again",
                )

    def mlflow_command(self) -> str:
        """The command that shows experiments and models in a browser."""
        python = Path(sys.executable).parent
        uri = mlflow_store.tracking_uri(self.state_dir)
        argv = [str(python / "mlflow"), "ui", "--backend-store-uri", uri, "--host", "127.0.0.1"]
        return shlex.join([*argv, "--port", "5000"])

    def _start_stores(self, progress: Callable[[str], None]) -> None:
        with ThreadPoolExecutor(1) as pool:
            database = pool.submit(self.airflow.migrate, {})
            if not self.external_s3:
                self.s3.start()
                progress(f"s3 answers at {self.s3.endpoint}")
            database.result()
        progress("airflow's database is ready")

    def _stop_if_changed(self, env: dict[str, str]) -> None:
        # Processes keep the environment they were born with: another S3 port needs new ones.
        if self._known().get("environment") != self._fingerprint(env):
            self.edge.stop()
            self.airflow.stop()

    def _remember(self, env: dict[str, str]) -> None:
        content = {
            "s3_port": self.s3.port,
            "airflow_port": self.airflow.port,
            "environment": self._fingerprint(env),
        }
        part = self.state_dir / "stack.json.part"
        part.write_text(json.dumps(content), encoding="utf-8")
        part.replace(self.state_dir / "stack.json")

    def _fingerprint(self, env: dict[str, str]) -> str:
        text = json.dumps([sorted(env.items()), self.airflow.port])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _known(self) -> dict[str, Any]:
        try:
            content = json.loads((self.state_dir / "stack.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _row(self, name: str, processes: tuple[str, ...], url: str = "") -> ServiceStatus:
        alive = {each: process.running(self.run_dir, each) for each in processes}
        pids = tuple(found.pid for found in alive.values() if found)
        dead = [each for each, found in alive.items() if not found]
        if not dead:
            return ServiceStatus(name, "running", pids, url)
        log = str(process.log_path(self.log_dir, dead[0]))
        if not pids and not any(process.recorded(self.run_dir, each) for each in processes):
            return ServiceStatus(name, "stopped", log=log)
        last = " ".join(process.last_lines(Path(log), 1)).strip()
        detail = f"{', '.join(dead)} has ended" + (f": {last}" if last else "")
        return ServiceStatus(name, "dead", pids, url, detail, log)

    def _projects(self, progress: Callable[[str], None]) -> list[Project]:
        found = []
        for name in project_names():
            try:
                found.append(load_project(name))
            except ProjectError as error:
                progress(f"left out: {error.message}")
        return found

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        private_folder(self.state_dir)
        with (self.state_dir / "stack.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"another `tinyops up` or `down` works on {self.state_dir}",
                    "wait until it has ended",
                ) from None
            yield
