"""`tinyops up`, `status`, `env`, `down`: the embedded stack."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyops.cli.output import echo, print_json, terminal

if TYPE_CHECKING:
    from tinyops.local.stack import Stack

StateDir = Annotated[
    Path, typer.Option("--state-dir", envvar="TINYOPS_STATE", help="Where everything is kept.")
]
S3Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, envvar="TINYOPS_S3_PORT", help="Port of the embedded S3."),
]
AirflowPort = Annotated[
    int | None,
    typer.Option(min=1, max=65535, envvar="TINYOPS_AIRFLOW_PORT", help="Port of Airflow."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DEFAULT_STATE = Path(".tinyops")
NOT_RUNNING = 3  # as `systemctl status` and LSB init scripts
STATE_STYLE = {"running": "green", "dead": "red", "stopped": "dim"}


def up(
    state_dir: StateDir = DEFAULT_STATE,
    s3_port: S3Port = None,
    airflow_port: AirflowPort = None,
    as_json: AsJson = False,
) -> None:
    """Start S3, Airflow, the gateway and virtual boards; what runs already is left alone."""
    from tinyops.local.stack import Stack

    stack = Stack(state_dir, s3_port=s3_port, airflow_port=airflow_port)
    stack.up(progress=lambda line: echo(line, stderr=as_json))
    _show(stack, as_json)


def status(state_dir: StateDir = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """What runs, where, and how to sign in. Exit 3 when a part does not run."""
    from tinyops.local.stack import Stack

    stack = Stack(state_dir)
    _show(stack, as_json)
    if any(row.state != "running" for row in stack.status()):
        raise typer.Exit(NOT_RUNNING)


def env(state_dir: StateDir = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """The variables that other programs need: `eval "$(tinyops env)"`."""
    from tinyops.local.stack import Stack

    variables = Stack(state_dir).env()
    if as_json:
        print_json(variables)
        return
    for name, value in variables.items():
        echo(f"export {name}={shlex.quote(value)}")


def down(state_dir: StateDir = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Stop everything that `up` started; data stays."""
    from tinyops.local.stack import Stack

    stack = Stack(state_dir)
    ran = [row.name for row in stack.status() if row.pids]
    stack.down()
    if as_json:
        print_json({"stopped": ran})
    else:
        echo(f"stopped {', '.join(ran)}" if ran else "nothing was running")


def _show(stack: Stack, as_json: bool) -> None:
    rows = stack.status()
    sign_in = _sign_in(stack)
    if as_json:
        content = {"services": [asdict(row) for row in rows], "airflow": sign_in}
        print_json(content)
        return
    from rich.table import Table

    table = Table("service", "state", "address", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.name, f"[{STATE_STYLE[row.state]}]{row.state}[/]", row.url)
    console = terminal(soft_wrap=True)
    console.print(table)
    for row in rows:
        if row.detail:
            console.print(row.detail, markup=False, highlight=False)
            if row.log:
                console.print(f"  log: {row.log}", markup=False, highlight=False)
    if sign_in["password"]:
        console.print(f"airflow: user {sign_in['username']}, password {sign_in['password']}")


def _sign_in(stack: Stack) -> dict[str, Any]:
    airflow = stack.airflow
    return {"url": airflow.url, "username": airflow.username, "password": airflow.password}
