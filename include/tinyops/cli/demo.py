"""`tinyops demo`: start everything and tell the story of one model's life."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from tinyops.cli.output import print_json, terminal

if TYPE_CHECKING:
    from tinyops.demo.story import Story
    from tinyops.local.stack import Stack
    from tinyops.projects import Project
    from tinyops.projects.dag_ids import Stage

STAGE_DAGS: tuple[Stage, ...] = ("ingest", "train", "release", "monitor")


def demo(
    project: Annotated[str, typer.Option(help="Project to tell the story of.")] = "motor_health",
    concept: Annotated[
        bool, typer.Option("--concept", help="Then let the same inputs mean something else.")
    ] = False,
    loop: Annotated[
        bool, typer.Option("--loop", help="Only the first turn: new data to attested board.")
    ] = False,
    leave: Annotated[
        bool, typer.Option("--exit", help="End after the story, status 0 when it ended well.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON; implies --exit.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds for each wait.", min=10)] = 900,
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
    """The life of a model on this machine: data, training, a board, drift, labels, and again."""
    from tinyops.local.stack import Stack
    from tinyops.projects import load_project

    chosen = load_project(project)
    console = terminal(stderr=as_json)
    stack = Stack(state_dir, s3_port=s3_port, airflow_port=airflow_port)
    before = stack.running()
    # `kill` tidies up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        began = time.monotonic()
        with console.status("starting") as status:
            stack.up(progress=lambda line: _say(console, status, line))
        started = time.monotonic() - began
        told = _told(console, stack, chosen, timeout, concept=concept, loop=loop)
        told |= {"start_seconds": round(started, 1), "seconds": round(time.monotonic() - began, 1)}
        if as_json:
            print_json(told)
        else:
            _addresses(console, stack)
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


def _told(
    console: Console, stack: Stack, project: Project, timeout: float, *, concept: bool, loop: bool
) -> dict[str, Any]:
    """Tell the story; what happened as data."""
    from tinyops.demo.next_batch import publish_next
    from tinyops.demo.story import Story
    from tinyops.demo.tell import tell
    from tinyops.local.edge import devices_of
    from tinyops.store import Store

    os.environ.update(stack.env())
    unpause(stack, project)
    device = devices_of(project)[0]
    story = Story(console, stack, Store.from_env(), project, device.id, timeout)
    told: dict[str, Any] = {
        "project": project.name,
        "simulated_data": project.source.simulated,
        "virtual_time_factor": round(device.speed, 2),
    }
    _what_is_what(story)
    story.set_world(changed=False)
    batch = publish_next(console, story.store, project)
    if batch is None:
        console.print(f"every recording of {project.name} is in already: nothing new to learn from")
        return told
    if loop or _knows_the_change(story):
        story.learn(batch)
    else:
        tell(story, batch, concept)
    return told | {"turns": story.turns, **story.facts}


def unpause(stack: Stack, project: Project) -> None:
    """Let the project's DAGs run: they do from the start unless somebody has paused them."""
    from tinyops.projects.dag_ids import MAINTAIN, dag_id

    for dag in (*(dag_id(project.name, stage) for stage in STAGE_DAGS), MAINTAIN):
        if stack.airflow.api("GET", f"/api/v2/dags/{dag}")["is_paused"]:
            stack.airflow.api("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})


def _what_is_what(story: Story) -> None:
    from tinyops.local.edge import devices_of

    kind = "simulated" if story.project.source.simulated else "real, replayed"
    story.console.print(
        f"{story.project.title}: data {kind}; chip emulated; board virtual, its time runs "
        f"{devices_of(story.project)[0].speed:.1f} x as fast as real time",
        highlight=False,
    )


def _knows_the_change(story: Story) -> bool:
    """Whether this state folder has learnt the changed world in an earlier telling."""
    from tinyops.store import Consumer, receipts

    answered = receipts.handled(story.store, story.project.name, Consumer.ANSWER)
    if answered:
        story.console.print(
            "this state folder has been through the story: only new data is learnt now; "
            "`make clean` or another --state-dir starts afresh",
            highlight=False,
            soft_wrap=True,
        )
    return bool(answered)


def _addresses(console: Console, stack: Stack) -> None:
    airflow = stack.airflow
    console.print(
        f"\nAirflow  {airflow.url}  user {airflow.username}, password {airflow.password}\n"
        f"MLflow   {stack.mlflow_command()}\n"
        f"Logs     {stack.log_dir}",
        highlight=False,
        soft_wrap=True,
    )
