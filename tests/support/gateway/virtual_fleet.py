"""Virtual boards in this process, and a gateway for them that is a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from tests.support.gateway.gateway_bench import PROJECT, wait_for
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import Image
from tinyops.boards.virtual import BOARDS
from tinyops.boards.virtual.board import VirtualBoard
from tinyops.gateway.config import GatewayConfig, load_config
from tinyops.gateway.database import Database
from tinyops.gateway.journal import DeviceState, ImageName, Journal

TIMES = {
    "poll_seconds": 0.3,
    "attest_seconds": 15,
    "frame_seconds": 3600,
    "retry_seconds": 0.1,
    "retry_max_seconds": 0.5,
    # Trials flash a board hundreds of times; its flash is a file.
    "flashes_per_day": 100_000,
}


class Finger:
    """Presses RESET for everyone who writes to a named pipe, such as a `reset_command`."""

    END = b"end"

    def __init__(self, pipe: Path, board: VirtualBoard) -> None:
        self.command = ["sh", "-c", f"echo press > '{pipe}'"]
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR)
        self._board = board
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._pipe, self.END)
        self._thread.join()
        os.close(self._pipe)

    def _run(self) -> None:
        while not os.read(self._pipe, 4096).endswith(self.END):
            self._board.press_reset()


class GatewayProcess:
    """`tinyops gateway run`, which can be killed and started again."""

    def __init__(self, config: Path) -> None:
        self.log = config.with_suffix(".log")
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it serves."""
        command = [sys.executable, "-m", "tinyops.cli.main", "gateway", "run", "--config"]
        if setpriv := shutil.which("setpriv"):
            # A gateway that outlived its test would go on flashing: numbers of pseudo-terminals
            # are given anew, and its ports would lead to boards of others.
            command = [setpriv, "--pdeathsig", "KILL", "--", *command]
        before = self._starts()
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, str(self._config)], stdout=output, stderr=output, start_new_session=True
            )
        wait_for(lambda: self._starts() > before, "the gateway starts", pause=0.05)

    def kill(self) -> None:
        """As `kill -9` does; harmless twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """At a safe point."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(60)
        self._process = None
        assert status == 0, self.log.read_text()[-2000:]

    def _starts(self) -> int:
        return self.log.read_text().count("gateway starts") if self.log.exists() else 0


@dataclass
class Device:
    """A board of the fleet, and the image that it is known to run."""

    id: str
    board: VirtualBoard
    image: Image


class VirtualFleet:
    """Boards, the configuration of their gateway, its journal, and the gateway itself.

    Parameters
    ----------
    images
        Of each kind of board the first image, which a gateway may give it.
    kinds
        The kind of each board.
    """

    def __init__(self, folder: Path, images: Mapping[str, Image], kinds: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.devices = [
            Device(
                f"{kind}-{number}",
                BOARDS[kind](folder / f"tty{number}", folder / f"board{number}"),
                images[kind],
            )
            for number, kind in enumerate(kinds)
        ]
        self._folder = folder
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            rows = [self._started(device, ends) for device in self.devices]
            path = self._folder / "gateway.yaml"
            content = {"name": "bench", "metrics_port": 0, **TIMES, "devices": rows}
            path.write_text(yaml.safe_dump(content))
            self.config: GatewayConfig = load_config(path)
            database = Database(self.config.state / "journal.db")
            ends.callback(database.close)
            self._journal = Journal(database)
            self.gateway = GatewayProcess(path)
            ends.callback(self.gateway.kill)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.close()

    def state(self, device: Device) -> DeviceState:
        """What the gateway's journal says of a device."""
        return self._journal.device(device.id, PROJECT)

    def refused(self, device: Device, image: ImageName) -> bool:
        """Whether the gateway's journal has an image down as refused by a device."""
        return bool(self._journal.refused(device.id, image))

    def power_cycle(self) -> None:
        """Power off and on; returns when all bootloaders have started what they start."""
        boards = [device.board for device in self.devices]
        for board in boards:
            board.unplug()
        for board in boards:
            wait_for(lambda board=board: board.mode == "off", "off", pause=0.02)  # type: ignore[misc]
            board.plug()
        # Until then a HELLO would be a key that opens the menu of a Himax board. A board that
        # starts nothing is found when it is asked.
        with contextlib.suppress(AssertionError):
            wait_for(lambda: all(board.mode == "application" for board in boards), "on", 10, 0.02)

    @staticmethod
    def _started(device: Device, ends: ExitStack) -> dict[str, object]:
        board = ends.enter_context(device.board)
        kind = device.image.header.board
        row: dict[str, object] = {"id": device.id, "board": kind, "project": PROJECT}
        if load_board(kind).protocol.reset == "button":
            finger = Finger(board.port.with_suffix(".reset"), board)
            row["reset_command"] = ends.enter_context(finger).command
        return row | {"port": str(board.port)}
