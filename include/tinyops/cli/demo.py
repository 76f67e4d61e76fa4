"""`tinyops demo`: start everything, drop a batch, watch it end on an attested board."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tinyops.cli.story import LoopView, report, summary_table
from tinyops.errors import TinyOpsError

if TYPE_CHECKING:
    from tinyops.cli.follow import Loop
    from tinyops.local.stack import Stack
    from tinyops.projects import Project
    from tinyops.store import Store

POLL_SECONDS = 0.5
STAGE_DAGS = ("ingest", "train", "release")


class DemoFailed(TinyOpsError):
    """The loop ended before a board attested."""


@dataclass(frozen=True)
class Run:
    """What one demo works with."""

    console: Console
    stack: Stack
    store: Store
    project: Project
    timeout: float


def demo(
    project: Annotated[str, typer.Option(help="Project to run the loop for.")] = "motor_health",
    leave: Annotated[
        bool, typer.Option("--exit", help="End after the loop, status 0 when a board attested.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON; implies --exit.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the board.", min=10)] = 900,
    state_dir: Annotated[
        Path, typer.Option(help="Where everything is kept.", envvar="TINYOPS_STATE")
    ] = Path(".tinyops"),
    s3_port: Annotated[
        int | None, typer.Option(help="Port of the embedded S3.", envvar="TINYOPS_S3_PORT")
    ] = None,
    airflow_port: Annotated[
        int | None, typer.Option(help="Port of Airflow.", envvar="TINYOPS_AIRFLOW_PORT")
    ] = None,
) -> None:
    """Run the whole loop on this machine: data, training, release, and a virtual board."""
    from tinyops.local.stack import Stack
    from tinyops.projects import load_project

    chosen = load_project(project)
    console = Console(stderr=as_json)
    stack = Stack(state_dir, s3_port=s3_port, airflow_port=airflow_port)
    before = stack.running()
    try:
        began = time.monotonic()
        with console.status("starting") as status:
            stack.up(progress=lambda line: _say(console, status, line))
        started = time.monotonic() - began
        loop = _loop(console, stack, chosen, timeout, started, as_json)
        if not as_json:
            _addresses(console, stack)
        if loop is not None and loop.stopped:
            raise DemoFailed(
                f"the loop ended at {loop.stopped.name!r}: {loop.stopped.reason}",
                f"look at the run in Airflow, and at {stack.log_dir}",
            )
        if not (leave or as_json):
            console.print("\nRunning on. Ctrl-C stops what was started here.")
            while True:
                stack.require_alive()
                time.sleep(2)
    except KeyboardInterrupt:
        console.print()
    finally:
        with console.status("stopping what was started here"):
            stack.down(keep=before)
        if before:
            console.print(f"left as found: {', '.join(sorted(before))}; `tinyops down` stops them")


def _say(console: Console, status: object, line: str) -> None:
    """A spinner on a terminal, plain lines elsewhere (CI, a pipe)."""
    if console.is_terminal:
        status.update(line)  # type: ignore[attr-defined]
    else:
        console.print(line)


def _loop(
    console: Console, stack: Stack, project: Project, timeout: float, started: float, as_json: bool
) -> Loop | None:
    from tinyops.store import Store

    os.environ.update(stack.env())
    run = Run(console, stack, Store.from_env(), project, timeout)
    for dag in (*(f"{project.name}__{stage}" for stage in STAGE_DAGS), "tinyops__maintain"):
        # They run from the start unless somebody has paused them.
        if stack.airflow.api("GET", f"/api/v2/dags/{dag}")["is_paused"]:
            stack.airflow.api("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})
    batch = _publish(run)
    if batch is None:
        console.print(f"every recording of {project.name} is in already: nothing new to learn from")
        return None
    loop = _watch(run, batch)
    if as_json:
        typer.echo(json.dumps(report(stack, project, loop, started), indent=2))
    else:
        console.print(summary_table(run.store, project, loop, started))
    return loop


def _publish(run: Run) -> str | None:
    """Publish the next batch of the project's source; None when the source has no more."""
    from tinyops.data.batch import publish_batch
    from tinyops.data.sources import source_for
    from tinyops.store import layout

    project = run.project
    number = len(run.store.folders(layout.incoming(project.name)))
    kind = "simulated" if project.source.simulated else "real"
    with run.console.status(f"collecting {kind} recordings"):
        source = source_for(project)
        recordings = list(source.recordings(project.training.seed, "small", number))
    if not recordings:
        return None
    batch = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{number:04d}"
    publish_batch(run.store, project, batch, recordings, note=f"demo, {kind}")
    machines = len({recording.machine_id for recording in recordings})
    run.console.print(
        f"batch {batch}: {len(recordings)} {kind} recordings of {machines} machines or people, "
        f"{len(project.labels)} classes",
        highlight=False,
    )
    return batch


def _watch(run: Run, batch: str) -> Loop:
    """Show the loop until it ends, one way or the other."""
    from tinyops.cli.follow import follow

    deadline = time.monotonic() + run.timeout
    with LoopView(run.console, run.project, run.stack) as view:
        while True:
            loop = follow(run.store, run.project.name, batch)
            view.show(loop)
            if loop.attested or loop.stopped:
                return loop
            view.raise_failed_task()
            if time.monotonic() > deadline:
                waiting = next(stage.name for stage in loop.stages if stage.state != "done")
                raise DemoFailed(
                    f"no board attested within {run.timeout:.0f} s; waiting for {waiting!r}",
                    f"look at {run.stack.airflow.url} and {run.stack.log_dir}, or raise --timeout",
                )
            run.stack.require_alive()
            time.sleep(POLL_SECONDS)


def _addresses(console: Console, stack: Stack) -> None:
    airflow = stack.airflow
    console.print(
        f"\nAirflow  {airflow.url}  user {airflow.username}, password {airflow.password}\n"
        f"MLflow   {stack.mlflow_command()}\n"
        f"Logs     {stack.log_dir}",
        highlight=False,
        soft_wrap=True,
    )
