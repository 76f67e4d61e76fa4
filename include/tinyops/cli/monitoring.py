"""`tinyops monitor`: verdicts on devices, what they rest on, and what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from tinyops.cli.output import print_json, terminal
from tinyops.printable import rich_text

monitor_app = typer.Typer(help="Drift: verdicts on devices, and what to do about them.")

ProjectName = Annotated[str, typer.Option("--project", "-p", help="A project's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Device = Annotated[str, typer.Option("--device", "-d", help="Of this device only.")]

STYLES = {"none": "green", "data drift": "red", "concept drift": "red", "unknown": "yellow"}


@monitor_app.command()
def status(project: ProjectName, as_json: AsJson = False) -> None:
    """Latest verdict on every device, open requests, and devices whose frames were set aside."""
    from tinyops.data.labels.label_request import open_requests
    from tinyops.monitoring.history import standing
    from tinyops.monitoring.known_devices import KnownDevices
    from tinyops.projects import load_project
    from tinyops.store import Store

    store, name = Store.from_env(), load_project(project).name
    verdicts, requests = standing(store, name), open_requests(store, name)
    known = KnownDevices.read(store, name)
    if as_json:
        asked = [request.model_dump(mode="json") for request in requests]
        aside = list(known.set_aside.values())
        print_json({"devices": verdicts, "requests": asked, "set_aside": aside})
        return
    console = terminal()
    if verdicts:
        console.print(_verdict_table("since", list(verdicts.values())))
    else:
        console.print(f"{name}: no verdict yet; see `tinyops monitor frames -p {name}`")
    for verdict in verdicts.values():
        if verdict["status"] != "none":
            console.print(f"{verdict['device']}: {verdict['reason']}", markup=False)
    for request in requests:
        text = f"request {request.id} ({request.kind}): {request.instructions}"
        console.print(text, markup=False)
    for row in known.set_aside.values():
        text = f"not judged: {row['device']} of gateway {row['gateway']}, {row['frames']} frames "
        console.print(f"{text}{row['reason']} (last {_time(row['at'])})", markup=False)
    if known.more:
        console.print(f"not judged: {known.more} more devices that no gateway lists")


@monitor_app.command()
def verdicts(
    project: ProjectName,
    device: Device = "",
    last: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Verdicts, newest first."""
    from tinyops.monitoring.history import newest_verdicts
    from tinyops.projects import load_project
    from tinyops.store import Store

    found = newest_verdicts(Store.from_env(), load_project(project).name, last, device)
    if as_json:
        print_json(found)
        return
    terminal().print(_verdict_table("at", found) if found else "no verdicts yet")


@monitor_app.command()
def report(
    project: ProjectName,
    device: Annotated[str, typer.Option("--device", "-d", help="The device.")],
    html: Annotated[Path, typer.Option(help="File to write.")],
    kind: Annotated[
        Literal["drift", "performance"],
        typer.Option(help="What it counted, or what labels say of its release."),
    ] = "drift",
    as_json: AsJson = False,
) -> None:
    """Evidently's page on a device's newest verdict; self-contained, 4 MB."""
    from tinyops.monitoring.history import report_page
    from tinyops.projects import load_project
    from tinyops.store import ReportKind, Store

    name = load_project(project).name
    page = report_page(Store.from_env(), name, device, ReportKind(kind))
    html.write_bytes(page)
    if as_json:
        print_json({"file": str(html), "bytes": len(page)})
    else:
        terminal().print(f"wrote {html}", markup=False, soft_wrap=True)


@monitor_app.command()
def frames(
    project: ProjectName,
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 2,
    as_json: AsJson = False,
) -> None:
    """What devices have sent, and what was set aside."""
    from tinyops.monitoring.history import arrived
    from tinyops.projects import load_project
    from tinyops.store import Store

    since = datetime.now(UTC) - timedelta(days=days - 1)
    found = arrived(Store.from_env(), load_project(project).name, f"{since:%Y-%m-%d}")
    if as_json:
        print_json(found)
        return
    console = terminal()
    devices = Table("device", "gateway", "release", "boots", "frames", "last window", "received")
    for row in found["devices"]:
        names = ("device", "gateway", "version", "epochs", "frames", "last_window")
        devices.add_row(*(rich_text(row[name]) for name in names), _time(row["received_at"]))
    console.print(devices)
    for file in found["set_aside"]:
        said = ", ".join(f"{count} x {reason}" for reason, count in file["counts"].items())
        console.print(f"set aside from {file['file']}: {said}", markup=False, soft_wrap=True)
    if waiting := found["waiting"]:
        console.print(f"files that wait for the monitor DAG: {waiting}")


def _verdict_table(time: str, found: list[dict[str, Any]]) -> Table:
    """At most three lines for each verdict, 80 columns wide."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in (f"verdict\n{time}", "device\nrelease"):
        table.add_column(name, no_wrap=True)
    table.add_column("T²\nwhat moved")
    table.add_column("accuracy\nby labels", no_wrap=True)
    for verdict in found:
        device = rich_text(verdict["device"]) + (" (virtual)" if verdict["virtual"] else "")
        moved = "\n".join(f"{one['feature']} {one['how']}" for one in verdict["moved"][:2])
        table.add_row(
            f"[{STYLES[verdict['status']]}]{verdict['status']}[/]\n{_time(verdict[time])[5:]}",
            f"{device}\n[dim]{rich_text(verdict['release'])}[/]",
            f"{_statistic(verdict)}\n{moved}",
            f"{_accuracy(verdict['estimated_accuracy'])}\n{_labels(verdict['residual'])}",
        )
    return table


def _statistic(verdict: dict[str, Any]) -> str:
    if verdict["statistic"] is None:
        return "-"
    return f"{verdict['statistic']:.1f} of {verdict['threshold']:.1f}"


def _accuracy(estimate: dict[str, float] | None) -> str:
    if estimate is None:
        return "-"
    low, high = round(100 * estimate["low"]), round(100 * estimate["high"])
    return f"{estimate['value']:.0%} ({low} to {high})"


def _labels(residual: dict[str, Any] | None) -> str:
    return f"{residual['accuracy']:.0%} of {residual['labels']}" if residual else ""


def _time(text: str) -> str:
    return text[:16].replace("T", " ")
