"""`tinyops gateway devices`: which boards may hang off this machine, and how to write them down."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyops.cli.files import existing_file
from tinyops.cli.output import echo, print_json, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.boards.discovery import FoundPort
    from tinyops.gateway.config import DeviceConfig


def gateway_devices(
    config: Annotated[
        Path | None,
        typer.Option(parser=existing_file, help="The gateway's YAML file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """List the serial ports on USB, the boards they may be, and what the YAML file lacks."""
    from tinyops.boards.discovery import found_ports
    from tinyops.gateway.config import load_config

    known = load_config(config).devices if config else []
    rows = [(port, _device(port, known)) for port in found_ports()]
    if as_json:
        found = [asdict(port) | {"device": device} for port, device in rows]
        print_json(found)
    elif not rows:
        echo("no serial port on USB; virtual boards have none, give their `port:`")
    else:
        _show(rows)


def enrol(
    device: Annotated[str, typer.Argument(help="The device's id in the YAML file.")],
    config: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The gateway's YAML file.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Accept another board for a device: the next one that attests is bound to it."""
    from tinyops.gateway.config import load_config
    from tinyops.gateway.database import Database
    from tinyops.gateway.enrolment import Enrolment
    from tinyops.gateway.errors import GatewayError

    settings = load_config(config)
    known = [row.id for row in settings.devices]
    if device not in known:
        raise GatewayError(f"unknown device {device!r}", f"Use one of: {', '.join(known)}.")
    database = Database(settings.state / "journal.db")
    before = Enrolment(database, device).clear()
    database.close()
    if as_json:
        print_json({"device": device, "was": asdict(before)})
    elif before.chip_id or before.usb_serial:
        echo(f"{device} was bound to chip {before.chip_id or 'without a number'}")
        echo("the next board that attests in its place is bound to it")
    else:
        echo(f"{device} was bound to no board")


def yaml_lines(port: FoundPort) -> str:
    """The entry of the gateway's file for a port whose board is not in it yet."""
    from tinyops.boards.discovery import stable_name

    number = re.sub(r"[^A-Za-z0-9]", "", port.usb_serial)[-6:].lower()
    board = port.boards[0]
    place = (
        f"usb_serial: {json.dumps(port.usb_serial)}"
        if port.usb_serial
        else f"port: {json.dumps(stable_name(port.port))}"
    )
    doubt = "" if port.certain else "  # or what else is behind this bridge"
    return (
        f"  - id: {board}-{number or Path(port.port).name}\n"
        f"    board: {board}{doubt}\n"
        f"    {place}\n"
        f"    project: PROJECT\n"
    )


def _device(port: FoundPort, known: list[DeviceConfig]) -> str:
    for device in known:
        here = device.port and str(Path(device.port).resolve()) == port.port
        if here or (device.usb_serial and device.usb_serial == port.usb_serial):
            return device.id
    return ""


def _show(rows: list[tuple[FoundPort, str]]) -> None:
    from rich.table import Table

    table = Table("port", "usb", "serial number", "board", "device")
    for port, device in rows:
        boards = ", ".join(port.boards) or "unknown"
        if port.boards and not port.certain:
            boards = f"may be {boards}"
        ids = f"{port.vid:04x}:{port.pid:04x}\n{port.title}"
        table.add_row(*map(rich_text, (port.port, ids, port.usb_serial, boards, device)))
    terminal().print(table)
    missing = [yaml_lines(port) for port, device in rows if port.boards and not device]
    if missing:
        echo("not in the gateway's file; to add, with the project of each:\n\ndevices:")
        echo("".join(missing), newline=False)
