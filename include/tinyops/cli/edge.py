"""`tinyops flash`, `tinyops virtual-board`, `tinyops gateway`: the edge side by hand."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from tinyops.cli.gateway_devices import gateway_devices
from tinyops.cli.gateway_status import gateway_status

if TYPE_CHECKING:
    from tinyops.boards.virtual.sensor import VirtualSensor
    from tinyops.projects import Project

gateway_app = typer.Typer(help="The edge service between S3 and the boards.", no_args_is_help=True)
gateway_app.command("status")(gateway_status)
gateway_app.command("devices")(gateway_devices)


def flash(
    image: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An image.bin.")],
    board: Annotated[str, typer.Option(help="Kind of board, as in `tinyops boards`.")],
    port: Annotated[str, typer.Option(help="Serial device, or the link of a virtual board.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Write an image to a board and start it. Only for images made for that board and target."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from tinyops.boards.catalogue import load_board
    from tinyops.boards.flashing import flash as write
    from tinyops.boards.image import load_image

    kind = load_board(board)
    content = load_image(image.read_bytes(), kind.flash.app_offset)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task(f"flashing {board}", total=None)
        report = write(
            port, content, kind, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2))
        return
    header = content.header
    typer.echo(
        f"{header.project} {header.version} on {port}: {report.pages} pages in "
        f"{report.seconds:.1f} s, {report.retries} pages written again; every page's CRC is right"
    )


def virtual_board(
    board: Annotated[str, typer.Argument(help="Kind of board; today nano33ble-sense.")],
    link: Annotated[Path, typer.Option(help="Symlink to make: the board's port.")],
    state: Annotated[
        Path | None, typer.Option(help="Folder of its flash; default <link>.state.")
    ] = None,
    project: Annotated[
        str, typer.Option(help="Sense the replay of this project's source; else nothing.")
    ] = "",
    world: Annotated[
        Path | None,
        typer.Option(help='File of {"changed": true}: the sensed world changes while it runs.'),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the recordings.")] = 1,
    speed: Annotated[float, typer.Option(min=0.01, help="Virtual seconds per second.")] = 1.0,
    power_cut_after: Annotated[
        int | None, typer.Option(min=1, help="Fault: power goes after N bytes of flashing, once.")
    ] = None,
    drop: Annotated[float, typer.Option(min=0, max=1, help="Fault: share of bytes lost.")] = 0.0,
    corrupt: Annotated[
        float, typer.Option(min=0, max=1, help="Fault: share of bytes damaged.")
    ] = 0.0,
) -> None:
    """Run a virtual board until it is interrupted. Its chip is emulated, its samples replayed."""
    from tinyops.boards.virtual import virtual_board_for
    from tinyops.boards.virtual.faults import Faults
    from tinyops.projects import load_project

    sensor = _sensor(load_project(project), seed, speed, world) if project else None
    folder = state or link.with_name(link.name + ".state")
    faults = Faults(power_cut_after=power_cut_after, drop=drop, corrupt=corrupt, seed=seed)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    running = virtual_board_for(board)(link.absolute(), folder, sensor, faults)
    try:
        running.start()
        typer.echo(f"virtual board {board} at {link}, flash in {folder}")
        if project:
            typer.echo(f"virtual board senses {project}, seed {seed}, {speed:g} x real time")
        running.wait()
    except KeyboardInterrupt:
        typer.echo("virtual board stops")
    finally:
        running.stop()


@gateway_app.callback()
def _gateway() -> None:
    """The edge service between S3 and the boards."""


@gateway_app.command()
def run(
    config: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The YAML file.")],
) -> None:
    """Pull signed releases, flash and attest the devices, report; until SIGTERM."""
    from tinyops.gateway.config import load_config
    from tinyops.gateway.log import start_logging
    from tinyops.gateway.service import Gateway
    from tinyops.store import Store

    settings = load_config(config)
    start_logging()
    gateway = Gateway(settings, Store.from_env(attempts=2, timeout=8.0))
    gateway.stop_on_signals()
    gateway.run()


@gateway_app.command()
def unit(
    config: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The YAML file.")],
    environment: Annotated[
        Path, typer.Option(help="File with S3's address and keys, as for EnvironmentFile=.")
    ] = Path("/etc/tinyops/gateway.env"),
) -> None:
    """Print a hardened systemd unit that runs the gateway with this file."""
    from tinyops.gateway.config import load_config
    from tinyops.gateway.unit import systemd_unit

    typer.echo(systemd_unit(config, load_config(config), environment), nl=False)


def _sensor(project: Project, seed: int, speed: float, world: Path | None) -> VirtualSensor:
    from tinyops.boards.virtual.sensor import VirtualSensor
    from tinyops.cli.replay import ReplayedSamples
    from tinyops.cli.world import WorldFile

    file = WorldFile(world, typer.echo) if world else None
    return VirtualSensor(ReplayedSamples(project, seed, file), project.signal.rate_hz, speed)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Once is enough; a second signal must not cut the tidying short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
