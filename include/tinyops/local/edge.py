"""The edge side of the embedded stack: one virtual board a project, and one gateway for all."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from tinyops.local import process
from tinyops.local.process import Command
from tinyops.projects import Project

GATEWAY = "gateway"
VIRTUAL_BOARD = "nano33ble-sense"


def device_id(project: str) -> str:
    """The default device of a project."""
    return f"{project.replace('_', '-')}-1"


def board_service(project: str) -> str:
    """The name under which a virtual board's process is recorded."""
    return f"board-{device_id(project)}"


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

    def start(self, projects: list[Project], env: dict[str, str]) -> None:
        """Start what does not run; does not wait. The gateway's file is written once, then kept."""
        served = with_virtual_board(projects)
        self.config.parent.mkdir(parents=True, exist_ok=True)
        (self.state_dir / "boards").mkdir(exist_ok=True)
        if not self.config.exists():
            self.config.write_text(self._gateway_file(served), encoding="utf-8")
        for project in served:
            name = board_service(project.name)
            if not process.running(self.run_dir, name):
                process.stop(self.run_dir, name)
                process.start(self._board(project.name), self.run_dir, self.log_dir)
        if not process.running(self.run_dir, GATEWAY):
            process.stop(self.run_dir, GATEWAY)
            argv = [*_tinyops(), "gateway", "run", "--config", str(self.config)]
            process.start(Command(GATEWAY, argv, env), self.run_dir, self.log_dir)

    def names(self) -> list[str]:
        """Services that have a record: the gateway and every board ever started and not stopped."""
        found = sorted(path.stem for path in self.run_dir.glob("board-*.json"))
        return [GATEWAY, *found]

    def stop(self) -> None:
        """The gateway first: it must not take a board that goes away for a broken one."""
        process.stop(self.run_dir, GATEWAY)
        process.stop_all(self.run_dir, [name for name in self.names() if name != GATEWAY])

    def _board(self, project: str) -> Command:
        device = device_id(project)
        boards = self.state_dir / "boards"
        link, state = boards / device, boards / f"{device}.state"
        argv = [*_tinyops(), "virtual-board", VIRTUAL_BOARD, "--link", str(link)]
        # No S3 keys: a board has none.
        return Command(board_service(project), [*argv, "--state", str(state), "--project", project])

    def _gateway_file(self, served: list[Project]) -> str:
        boards = self.state_dir / "boards"
        content = {
            "name": "local",
            "devices": [
                {
                    "id": device_id(project.name),
                    "board": VIRTUAL_BOARD,
                    "project": project.name,
                    "port": str(boards / device_id(project.name)),
                }
                for project in served
            ],
        }
        return yaml.safe_dump(content, sort_keys=False)


def _tinyops() -> list[str]:
    return [sys.executable, "-m", "tinyops.cli.main"]
