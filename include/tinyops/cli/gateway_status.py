"""`tinyops gateway status`: latest status of all gateways, from S3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tinyops.cli.output import echo, print_json, terminal
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.fleet.reports import DeviceReport, FrameReport, GatewayReport


def gateway_status(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show the latest status of every gateway: versions, frames and problems of its devices."""
    from tinyops.fleet.reports import read_gateway_reports
    from tinyops.store import Store

    reports = read_gateway_reports(Store.from_env())
    if as_json:
        print_json({name: report.to_dict() for name, report in reports.items()})
    elif not reports:
        echo("no gateway has written a status yet")
    else:
        _show(reports)


def _show(reports: Mapping[str, GatewayReport]) -> None:
    from rich.table import Table

    table = Table("gateway", "device", "state", "runs", "last frame", "frames", "problem")
    for name, report in reports.items():
        seen = f"{rich_text(name)}\n[dim]{_ago(report.at)}[/]"
        if report.disk != "ok":
            seen += f"\n[bold]{rich_text(report.disk)}[/]"
        if report.problems or not report.devices:
            table.add_row(seen, "", "", "", "", "", "\n".join(map(rich_text, report.problems)))
            seen = ""
        for device, row in report.devices.items():
            table.add_row(seen, *_cells(device, row))
            seen = ""
    terminal().print(table)


def _cells(device: str, row: DeviceReport) -> tuple[str, ...]:
    frames = row.frames
    return (
        f"{rich_text(device)}\n{rich_text(row.project)}",
        _step(row),
        rich_text(row.confirmed or "-"),
        _ago(frames.at if frames else None),
        "\n".join(map(rich_text, _counts(frames))) if frames else "0 sent, 0 waiting",
        "\n".join(_troubles(row)),
    )


def _step(row: DeviceReport) -> str:
    """Step that a device is at, and its flashes of 24 hours."""
    lines = [rich_text(row.state)]
    if row.flashes is not None:
        lines.append(f"{row.flashes.last_24h} of {row.flashes.per_day} flashes in 24 h")
    return "\n".join(lines)


def _counts(frames: FrameReport) -> list[str]:
    counts = [f"{frames.sent} sent, {frames.waiting} waiting"]
    if frames.dropped:
        counts.append(f"{frames.dropped} dropped")
    return counts + [f"{count} refused: {reason}" for reason, count in frames.refused.items()]


def _troubles(row: DeviceReport) -> list[str]:
    action = [f"[bold]{rich_text(row.action)}[/]"] if row.action else []
    return action + ([rich_text(row.problem)] if row.problem else [])


def _ago(at: str | None) -> str:
    try:
        seconds = int((datetime.now(UTC) - datetime.fromisoformat(at or "")).total_seconds())
    except (TypeError, ValueError):
        return "never"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"
