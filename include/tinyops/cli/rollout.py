"""`tinyops rollout`: which release is on trial, which is stable, and moving on or back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyops.cli.output import echo, print_json

if TYPE_CHECKING:
    from tinyops.releases.rollout import Channel
    from tinyops.store import Store

rollout_app = typer.Typer(
    help="The rings of a project's releases. Signs with the release keys.", no_args_is_help=True
)
ProjectName = Annotated[str, typer.Option("--project", "-p", help="A project's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@rollout_app.command()
def status(project: ProjectName, as_json: AsJson = False) -> None:
    """Show the version on trial, the stable version, and what devices attest."""
    from tinyops.store import Store

    store = Store.from_env()
    _tell(store, project, _channel(store, project), as_json)


@rollout_app.command("open")
def open_next(
    project: ProjectName,
    ring: Annotated[
        int | None, typer.Option(help="Index of the ring; the next one if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open the next ring to the version on trial; the ring with share 1.0 promotes it."""
    from tinyops.releases.publish import move_channel
    from tinyops.store import Store

    store = Store.from_env()
    channel = _channel(store, project)
    move_channel(store, project, ring=channel.ring + 1 if ring is None else ring)
    _tell(store, project, _channel(store, project), as_json)


@rollout_app.command()
def back(project: ProjectName, as_json: AsJson = False) -> None:
    """End the trial: all devices run the stable version again."""
    from tinyops.releases.publish import roll_back_channel
    from tinyops.store import Store

    store = Store.from_env()
    roll_back_channel(store, project)
    _tell(store, project, _channel(store, project), as_json)


@rollout_app.command()
def start(
    version: Annotated[str, typer.Argument(help="A staged version, an older one too.")],
    project: ProjectName,
    as_json: AsJson = False,
) -> None:
    """Put a staged version on trial in the first ring."""
    from tinyops.releases.publish import move_channel
    from tinyops.store import Store

    store = Store.from_env()
    move_channel(store, project, version=version)
    _tell(store, project, _channel(store, project), as_json)


def _channel(store: Store, project: str) -> Channel:
    from tinyops.projects import load_project
    from tinyops.releases.errors import ReleaseError
    from tinyops.releases.publish import read_channel

    channel = read_channel(store, load_project(project).name)
    if channel is None:
        raise ReleaseError(f"{project} has no release", "release a candidate first")
    return channel


def _tell(store: Store, project: str, channel: Channel, as_json: bool) -> None:
    from tinyops.fleet.devices import reported_devices

    devices = reported_devices(store, project).values()
    told: dict[str, Any] = {
        "project": project,
        "stable": channel.stable,
        "trial": channel.trial,
        "ring": channel.ring,
        "rings": channel.rings,
        "attested": dict(sorted(Counter(device.attested for device in devices).items())),
    }
    if as_json:
        print_json(told)
        return
    echo(f"stable: {channel.stable or 'none yet'}")
    if channel.trial:
        ring = f"ring {channel.ring} of 0 to {len(channel.rings) - 1}, share {channel.share:g}"
        echo(f"on trial: {channel.trial} ({ring})")
    for version, count in told["attested"].items():
        echo(f"{count} devices attest {version or 'nothing yet'}")
