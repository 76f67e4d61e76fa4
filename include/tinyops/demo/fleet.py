"""The demo's chapter on many boards: one release of another project, on a board of each kind."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.table import Table

from tinyops.demo.story import Story
from tinyops.printable import rich_text

if TYPE_CHECKING:
    from tinyops.projects import Project


def fleet_project(project: Project) -> Project | None:
    """The project with most kinds of virtual boards; None when it is this one or has one kind."""
    from tinyops.local.edge import devices_of
    from tinyops.projects import load_projects

    most = max(load_projects(), key=lambda each: len(devices_of(each)))
    return most if most.name != project.name and len(devices_of(most)) > 1 else None


def begin(story: Story) -> tuple[Story, str] | None:
    """Let the other project's data land; its loop runs beside the story from now on."""
    from tinyops.demo.next_batch import publish_next
    from tinyops.local.edge import devices_of

    project = fleet_project(story.project)
    if project is None:
        return None
    devices = devices_of(project)
    story.say("⇊", f"beside it {project.name} learns, for {len(devices)} kinds of boards")
    batch = publish_next(story.console, story.store, project)
    if batch is None:
        return None
    return replace(story, project=project, device=devices[0].id, turns=[], facts={}), batch


def arrive(fleet: Story, batch: str) -> dict[str, Any]:
    """Wait until every device of the project has attested; what each of them runs, as data."""
    from tinyops.local.edge import devices_of

    fleet.title(f"One release, {len(devices_of(fleet.project))} kinds of boards")
    release = fleet.learn(batch).release
    rows = _attested_by_all(fleet, release)
    table = Table("device", "board, virtual", "flashed", "attested by")
    for row in rows:
        cells = (row.get(name, "") for name in ("device", "board", "flashed", "attested"))
        table.add_row(*map(rich_text, cells))
    fleet.console.print(table)
    turn = fleet.turns[0]
    told = {key: turn[key] for key in ("arrival", "release", "arrival_to_attested_seconds")}
    return {"project": fleet.project.name, **told, "devices": rows}


def _attested_by_all(fleet: Story, release: str) -> list[dict[str, str]]:
    from tinyops.demo.follow import arrivals
    from tinyops.fleet.reports import read_gateway_reports
    from tinyops.local.edge import devices_of

    wanted = {device.id: device.board for device in devices_of(fleet.project)}
    deadline = time.monotonic() + fleet.timeout
    with fleet.console.status(f"{release} on {', '.join(wanted)}"):
        while True:
            confirmed = {
                device: row.confirmed
                for report in read_gateway_reports(fleet.store).values()
                for device, row in report.devices.items()
            }
            left = [name for name in wanted if confirmed.get(name) != release]
            if not left:
                break
            fleet.go_on(deadline, f"{release} is not on {', '.join(left)}")
    told = arrivals(fleet.store, release)
    return [
        {"device": device, "board": board, **told.get(device, {})}
        for device, board in wanted.items()
    ]
