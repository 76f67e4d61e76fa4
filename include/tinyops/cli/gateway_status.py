"""`tinyops gateway status`: what the gateways have last said of themselves, from S3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tinyops.cli.output import print_json


def gateway_status(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """What each gateway last said of its devices: what they run, how their frames fared."""
    from tinyops.gateway.statuses import read_statuses
    from tinyops.store import Store

    found = read_statuses(Store.from_env())
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("no gateway has written a status yet")
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("gateway", "device", "state", "runs", "last frame", "frames", "problem")
    for name, status in found.items():
        seen = f"{name}\n[dim]{_ago(status.get('at'))}[/]"
        devices = status.get("devices") or {}
        if not devices:
            table.add_row(seen, "", "", "", "", "", escape(status.get("problem", "")))
        for device, row in devices.items():
            frames = row.get("frames") or {}
            counts = [f"{frames.get('sent', 0)} sent, {frames.get('waiting', 0)} waiting"]
            if frames.get("dropped"):
                counts.append(f"{frames['dropped']} dropped")
            counts += [f"{n} refused: {why}" for why, n in frames.get("refused", {}).items()]
            table.add_row(
                seen,
                escape(f"{device}\n{row.get('project', '')}"),
                _step(row),
                escape(row.get("confirmed", "") or "-"),
                _ago(frames.get("at")),
                escape("\n".join(counts)),
                _trouble(row),
            )
            seen = ""
    Console().print(table)


def _step(row: dict[str, Any]) -> str:
    """The step that a device is at, and the flashes of its day."""
    from rich.markup import escape

    lines, flashes = [str(row.get("state", ""))], row.get("flashes")
    if isinstance(flashes, dict):
        lines.append(f"{flashes.get('last_24h')} of {flashes.get('per_day')} flashes in 24 h")
    return escape("\n".join(lines))


def _trouble(row: dict[str, Any]) -> str:
    from rich.markup import escape

    lines = [escape(row.get("problem", ""))]
    if row.get("action"):
        lines.insert(0, f"[bold]{escape(row['action'])}[/]")
    return "\n".join(filter(None, lines))


def _ago(at: str | None) -> str:
    try:
        then = datetime.fromisoformat(at or "")
        seconds = int((datetime.now(UTC) - then).total_seconds())
    except (TypeError, ValueError):
        return "never"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
