"""`tinyops flash` and `tinyops gateway`: the edge side by hand."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tinyops.cli.files import existing_file
from tinyops.cli.gateway_devices import enrol, gateway_devices
from tinyops.cli.gateway_status import gateway_status
from tinyops.cli.output import echo, print_json, terminal

gateway_app = typer.Typer(help="The edge service between S3 and the boards.", no_args_is_help=True)
gateway_app.command("status")(gateway_status)
gateway_app.command("devices")(gateway_devices)
gateway_app.command("enrol")(enrol)


def flash(
    image: Annotated[Path, typer.Argument(parser=existing_file, help="An image.bin.")],
    board: Annotated[str, typer.Option(help="Kind of board, as in `tinyops boards`.")],
    port: Annotated[str, typer.Option(help="Serial device, or the link of a virtual board.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Write an image to a board and start it. Only for images made for that board and target."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from tinyops.boards.catalogue import load_board
    from tinyops.boards.flashing import flash as write
    from tinyops.boards.image import load_image

    kind = load_board(board)
    content = load_image(image.read_bytes(), kind.flash.app_offset)
    console = terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task(f"flashing {board}", total=None)
        report = write(
            port,
            content,
            kind,
            lambda done, total: bar.update(task, completed=done, total=total),
            lambda what: console.print(what, markup=False, highlight=False, soft_wrap=True),
        )
    if as_json:
        print_json(asdict(report))
        return
    header = content.header
    echo(
        f"{header.project} {header.version} on {port}: {report.pages} pages in "
        f"{report.seconds:.1f} s, {report.retries} retries, by {report.bootloader}"
    )


def probe(
    board: Annotated[str, typer.Option(help="Kind of board, as in `tinyops boards`.")],
    port: Annotated[str, typer.Option(help="Serial device, or the link of a virtual board.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Enter a board's bootloader, print what it says of itself, and start the application again.

    Nothing is written to the board.
    """
    from tinyops.boards.catalogue import load_board
    from tinyops.boards.flashing import probe as look

    said = look(port, load_board(board), lambda what: echo(what, stderr=True))
    if as_json:
        print_json({"board": board, "port": port, "bootloader": said})
    else:
        echo(said)


@gateway_app.callback()
def _gateway() -> None:
    """The edge service between S3 and the boards."""


@gateway_app.command()
def run(
    config: Annotated[Path, typer.Option(parser=existing_file, help="The YAML file.")],
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
    config: Annotated[Path, typer.Option(parser=existing_file, help="The YAML file.")],
    environment: Annotated[
        Path, typer.Option(help="File with S3's address and keys, as for EnvironmentFile=.")
    ] = Path("/etc/tinyops/gateway.env"),
) -> None:
    """Print a hardened systemd unit that runs the gateway with this file."""
    from tinyops.gateway.config import load_config
    from tinyops.gateway.unit import systemd_unit

    echo(systemd_unit(config, load_config(config), environment), newline=False)
