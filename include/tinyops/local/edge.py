"""The edge side of the embedded stack: a virtual board of each kind that a project names, and one
gateway for all."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml

from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import BoardError
from tinyops.boards.virtual import virtual_board_for
from tinyops.local import process
from tinyops.local.process import Command
from tinyops.private_folder import private_folder
from tinyops.projects import Project

GATEWAY = "gateway"
_BOARD = "board-"
COUNTED_WINDOWS_A_SECOND = 10.0
"""Windows that the virtual boards of a project shall count a second for their frames, together and
whatever the project. All boards share two cores with a training: motor_health takes 0.16 of one
(QEMU 7.2: 11 ms a window, replay: 5)."""
GENERATED = "# Written by `tinyops up`. Remove this line to keep changes of your own.\n"


@dataclass(frozen=True)
class VirtualDevice:
    """One virtual board of the stack. `speed`: its virtual seconds a second."""

    id: str
    board: str
    project: Project
    speed: float

    @property
    def service(self) -> str:
        """The name under which its process is recorded."""
        return _BOARD + self.id


def devices_of(project: Project) -> list[VirtualDevice]:
    """A device for each kind of board that the project names and that there is a virtual one of."""
    kinds = [name for name in project.boards if not missing_virtual_board(name)]
    windows = COUNTED_WINDOWS_A_SECOND / max(len(kinds), 1) * project.monitoring.every
    speed = windows * project.signal.hop / project.signal.rate_hz
    name = project.name.replace("_", "-")
    return [
        VirtualDevice(f"{name}-{number}", kind, project, speed)
        for number, kind in enumerate(kinds, start=1)
    ]


def missing_virtual_board(board: str) -> str:
    """Reason why a kind of board has no virtual one, with the fix; "" if it has."""
    try:
        virtual_board_for(board)
    except BoardError as error:
        return str(error)
    return ""


def world_file(state_dir: Path, device: str) -> Path:
    """The file that tells a device's virtual board whether its world has changed."""
    return state_dir / "boards" / f"{device}.world.json"


class EmbeddedEdge:
    """Gateway and virtual boards below `<state_dir>/gateway` and `<state_dir>/boards`."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.resolve()
        self.run_dir = self.state_dir / "run"
        self.log_dir = self.state_dir / "logs"
        self.config = self.state_dir / "gateway" / "gateway.yaml"

    def start_boards(self, projects: list[Project]) -> None:
        """Start the virtual boards that do not run; does not wait."""
        private_folder(self.state_dir / "boards")
        for device in _devices(projects):
            self._start(self._board(device))

    def start_gateway(self, projects: list[Project], env: dict[str, str]) -> None:
        """Start the gateway unless it runs; with a changed file it starts anew. Does not wait."""
        if self._write_config(_devices(projects)):
            process.stop(self.run_dir, GATEWAY)
        argv = [*_tinyops(), "gateway", "run", "--config", str(self.config)]
        self._start(Command(GATEWAY, argv, env))

    def names(self) -> list[str]:
        """Services that have a record: the gateway and every board ever started and not stopped."""
        return [GATEWAY, *process.recorded_names(self.run_dir, _BOARD)]

    def stop(self, keep: Collection[str] = ()) -> None:
        """The gateway first: it must not take a board that goes away for a broken one."""
        leaving = [name for name in self.names() if name not in keep]
        if GATEWAY in leaving:
            process.stop(self.run_dir, GATEWAY)
        process.stop_all(self.run_dir, [name for name in leaving if name != GATEWAY])

    def _start(self, command: Command) -> None:
        if process.running(self.run_dir, command.name) is None:
            process.stop(self.run_dir, command.name)
            process.start(command, self.run_dir, self.log_dir)

    def _board(self, device: VirtualDevice) -> Command:
        link, state = self._port(device), self._state(device)
        argv = [*_tinyops(), "virtual-board", device.board, "--link", str(link)]
        argv += ["--state", str(state), "--project", device.project.name]
        argv += ["--world", str(world_file(self.state_dir, device.id))]
        # No S3 keys: a board has none.
        return Command(device.service, [*argv, "--speed", f"{device.speed:g}"])

    def _port(self, device: VirtualDevice) -> Path:
        return self.state_dir / "boards" / device.id

    def _state(self, device: VirtualDevice) -> Path:
        return self.state_dir / "boards" / f"{device.id}.state"

    def _write_config(self, devices: list[VirtualDevice]) -> bool:
        """Whether the gateway's file is another one now. A file without the mark is left alone."""
        rows = [self._row(device) for device in devices]
        # Everything is on this machine: looking often costs nothing and a demo should not wait.
        content = {
            "name": "local",
            "poll_seconds": 1,
            "watch_seconds": 15,
            "frame_seconds": 2,
            "stop_seconds": 8,
            # Flash of virtual boards is a file, which does not wear.
            "flashes_per_day": 1000,
            "devices": rows,
        }
        text = GENERATED + yaml.safe_dump(content, sort_keys=False)
        found = self.config.read_text(encoding="utf-8") if self.config.exists() else GENERATED
        if found == text or not found.startswith(GENERATED):
            return False
        private_folder(self.config.parent)
        self.config.write_text(text, encoding="utf-8")
        return True

    def _row(self, device: VirtualDevice) -> dict[str, object]:
        row: dict[str, object] = {
            "id": device.id,
            "board": device.board,
            "port": str(self._port(device)),
            "project": device.project.name,
        }
        if load_board(device.board).protocol.reset == "button":
            # In place of a finger, as a power switch for USB would be on a real gateway.
            pid = shlex.quote(str(self._state(device) / "pid"))
            row["reset_command"] = ["sh", "-c", f'kill -USR1 "$(cat {pid})"']
        return row


def _devices(projects: list[Project]) -> list[VirtualDevice]:
    return [device for project in projects for device in devices_of(project)]


def _tinyops() -> list[str]:
    return [sys.executable, "-m", "tinyops.cli.main"]
