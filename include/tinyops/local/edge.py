"""The edge side of the embedded stack: one virtual board a project, and one gateway for all."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

import yaml

from tinyops.local import process
from tinyops.local.process import Command
from tinyops.projects import Project

GATEWAY = "gateway"
VIRTUAL_BOARD = "nano33ble-sense"
COUNTED_WINDOWS_A_SECOND = 10.0
"""Windows that every virtual board shall count a second for its frames, whatever its project. All
boards share two cores with a training: motor_health takes 0.16 of one (QEMU 7.2: 11 ms a window,
replay: 5)."""
GENERATED = "# Written by `tinyops up`. Remove this line to keep changes of your own.\n"


def device_id(project: str) -> str:
    """The default device of a project."""
    return f"{project.replace('_', '-')}-1"


def board_service(project: str) -> str:
    """The name under which a virtual board's process is recorded."""
    return f"board-{device_id(project)}"


def world_file(state_dir: Path, device: str) -> Path:
    """The file that tells a device's virtual board whether its world has changed."""
    return state_dir / "boards" / f"{device}.world.json"


def speed_of(project: Project) -> float:
    """Virtual seconds a second of a project's virtual board."""
    windows = COUNTED_WINDOWS_A_SECOND * project.monitoring.every
    return windows * project.signal.hop / project.signal.rate_hz


def with_virtual_board(projects: list[Project]) -> list[Project]:
    """The projects that a virtual board can serve: those made for the emulated kind."""
    return [project for project in projects if VIRTUAL_BOARD in project.boards]


class EmbeddedEdge:
    """Gateway and virtual boards below `<state_dir>/gateway` and `<state_dir>/boards`."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.resolve()
        self.run_dir = self.state_dir / "run"
        self.log_dir = self.state_dir / "logs"
        self.config = self.state_dir / "gateway" / "gateway.yaml"

    def start_boards(self, projects: list[Project]) -> None:
        """Start the virtual boards that do not run; does not wait."""
        (self.state_dir / "boards").mkdir(exist_ok=True)
        for project in with_virtual_board(projects):
            self._start(self._board(project))

    def start_gateway(self, projects: list[Project], env: dict[str, str]) -> None:
        """Start the gateway unless it runs; with a changed file it starts anew. Does not wait."""
        if self._write_config(with_virtual_board(projects)):
            process.stop(self.run_dir, GATEWAY)
        argv = [*_tinyops(), "gateway", "run", "--config", str(self.config)]
        self._start(Command(GATEWAY, argv, env))

    def names(self) -> list[str]:
        """Services that have a record: the gateway and every board ever started and not stopped."""
        found = sorted(path.stem for path in self.run_dir.glob("board-*.json"))
        return [GATEWAY, *found]

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

    def _board(self, project: Project) -> Command:
        device = device_id(project.name)
        boards = self.state_dir / "boards"
        link, state = boards / device, boards / f"{device}.state"
        argv = [*_tinyops(), "virtual-board", VIRTUAL_BOARD, "--link", str(link)]
        argv += ["--state", str(state), "--project", project.name]
        argv += ["--world", str(world_file(self.state_dir, device))]
        # No S3 keys: a board has none.
        return Command(board_service(project.name), [*argv, "--speed", f"{speed_of(project):g}"])

    def _write_config(self, served: list[Project]) -> bool:
        """Whether the gateway's file is another one now. A file without the mark is left alone."""
        boards = self.state_dir / "boards"
        devices = [
            {
                "id": device_id(project.name),
                "board": VIRTUAL_BOARD,
                "port": str(boards / device_id(project.name)),
                "project": project.name,
            }
            for project in served
        ]
        # Everything is on this machine: looking often costs nothing and a demo should not wait.
        content = {
            "name": "local",
            "poll_seconds": 1,
            "watch_seconds": 15,
            "frame_seconds": 2,
            "devices": devices,
        }
        text = GENERATED + yaml.safe_dump(content, sort_keys=False)
        found = self.config.read_text(encoding="utf-8") if self.config.exists() else GENERATED
        if found == text or not found.startswith(GENERATED):
            return False
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, encoding="utf-8")
        return True


def _tinyops() -> list[str]:
    return [sys.executable, "-m", "tinyops.cli.main"]
