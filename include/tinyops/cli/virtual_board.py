"""`tinyops virtual-board`: a board that is not there, with the faults that real ones have."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from tinyops.cli.output import echo

if TYPE_CHECKING:
    from tinyops.boards.virtual.sensor import VirtualSensor
    from tinyops.projects import Project

SENSOR, FAULT = "What it senses", "Faults while it is flashed"


def virtual_board(
    board: Annotated[str, typer.Argument(help="Kind of board, as in `tinyops boards`.")],
    link: Annotated[Path, typer.Option(help="Symlink to make: the board's port.")],
    state: Annotated[
        Path | None, typer.Option(help="Folder of its flash; default <link>.state.")
    ] = None,
    pace: Annotated[
        bool, typer.Option("--pace", help="Flashing takes the time of a real line and real flash.")
    ] = False,
    project: Annotated[
        str,
        typer.Option(
            help="The replay of this project's source; else none.", rich_help_panel=SENSOR
        ),
    ] = "",
    world: Annotated[
        Path | None,
        typer.Option(
            help='File of {"changed": true}: the sensed world changes while it runs.',
            rich_help_panel=SENSOR,
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.01, help="Virtual seconds per second.", rich_help_panel=SENSOR)
    ] = 1.0,
    power_cut_after: Annotated[
        int | None,
        typer.Option(min=1, help="The power goes after N bytes, once.", rich_help_panel=FAULT),
    ] = None,
    unplug_after: Annotated[
        int | None,
        typer.Option(min=1, help="The plug is pulled after N bytes, once.", rich_help_panel=FAULT),
    ] = None,
    back_after: Annotated[
        float,
        typer.Option(min=0, help="Seconds until power or plug are back.", rich_help_panel=FAULT),
    ] = 2.0,
    drop: Annotated[
        float, typer.Option(min=0, max=1, help="Share of bytes lost.", rich_help_panel=FAULT)
    ] = 0.0,
    corrupt: Annotated[
        float, typer.Option(min=0, max=1, help="Share of bytes damaged.", rich_help_panel=FAULT)
    ] = 0.0,
    delay: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of bytes 50 ms late.", rich_help_panel=FAULT),
    ] = 0.0,
    storm_after: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="After N bytes 8192 arrive damaged: NAK after NAK.",
            rich_help_panel=FAULT,
        ),
    ] = None,
    dead: Annotated[
        bool, typer.Option("--dead", help="The bootloader never answers.", rich_help_panel=FAULT)
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of recordings and faults.")] = 1,
) -> None:
    """Run a virtual board until it is interrupted; its samples are replayed.

    What was flashed runs in QEMU or, on boards without an emulator, as a process.

    The signal SIGUSR1 is a finger on the RESET button; <state>/pid names the process.
    """
    from tinyops.boards.virtual import virtual_board_for
    from tinyops.boards.virtual.faults import Faults
    from tinyops.projects import load_project

    sensor = _sensor(load_project(project), seed, speed, world) if project else None
    folder = state or link.with_name(link.name + ".state")
    faults = Faults(
        power_cut_after=power_cut_after,
        unplug_after=unplug_after,
        power_back_after=back_after,
        drop=drop,
        corrupt=corrupt,
        delay=delay,
        storm_after=storm_after,
        dead=dead,
        seed=seed,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    running = virtual_board_for(board)(link.absolute(), folder, sensor, faults, paced=pace)
    signal.signal(signal.SIGUSR1, lambda number, frame: running.press_reset())
    (folder / "pid").write_text(f"{os.getpid()}\n")
    try:
        running.start()
        echo(f"virtual board {board} at {link}, flash in {folder}{_button(board)}")
        if project:
            echo(f"virtual board senses {project}, seed {seed}, {speed:g} x real time")
        running.wait()
    except KeyboardInterrupt:
        echo("virtual board stops")
    finally:
        (folder / "pid").unlink(missing_ok=True)
        running.stop()


def _sensor(project: Project, seed: int, speed: float, world: Path | None) -> VirtualSensor:
    from tinyops.boards.virtual.sensor import VirtualSensor
    from tinyops.cli.replay import ReplayedSamples
    from tinyops.demo.world import WorldFile

    file = WorldFile(world, echo) if world else None
    return VirtualSensor(ReplayedSamples(project, seed, file), project.signal.rate_hz, speed)


def _button(board: str) -> str:
    from tinyops.boards.catalogue import load_board

    if load_board(board).protocol.reset != "button":
        return ""
    return f"; kill -USR1 {os.getpid()} presses its RESET button"


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Once is enough; a second signal must not cut the tidying short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
