"""Virtual boards in processes of their own, as `tinyops up` runs them, and images of any size."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import Image
from tinyops.boards.usb import PortIdentity
from tinyops.gateway.attest import attest
from tinyops.gateway.connection import Connection

ROOT = Path(__file__).resolve().parents[1]
TINYOPS = (sys.executable, "-m", "tinyops.cli.main")
START = 60.0
ATTEST = 60.0


class VirtualDevice:
    """A running `tinyops virtual-board`.

    Parameters
    ----------
    paced
        Whether its bootloader's line and its flash take their time.
    baud
        Speed of its line; 0: that of the catalogue.
    """

    def __init__(self, board: str, port: Path, paced: bool, baud: int = 0) -> None:
        self.board = with_baud(load_board(board), baud)
        self.port = port
        self._state = port.with_name(f"{port.name}.state")
        argv = [*TINYOPS, "virtual-board", board, "--link", port, "--state", self._state]
        self._process = subprocess.Popen(
            [*argv, *(["--pace"] if paced else [])], stdout=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        try:
            self.await_start()
        except BaseException:
            self.stop()
            raise
        return self

    def await_start(self) -> None:
        """Until its port is there."""
        deadline = time.monotonic() + START
        while not (self.port.exists() and self.pid_file.exists()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the virtual {self.board.name} has not started")
            time.sleep(0.05)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid_file(self) -> Path:
        """Names the process whose SIGUSR1 is a finger on RESET."""
        return self._state / "pid"

    def press_reset(self) -> None:
        """A finger on RESET."""
        os.kill(self._process.pid, signal.SIGUSR1)

    def attest(self, image: Image) -> None:
        """Wait until it shows that it runs an image, all of which is in its flash."""
        content = (self._state / "flash.bin").read_bytes()
        if content[image.offset : image.offset + len(image.bytes)] != image.bytes:
            raise RuntimeError(f"the flash of {self.port.name} does not hold the image")
        connection = Connection(PortIdentity(str(self.port)), self.board.protocol.baud)
        try:
            attest(connection, image, ATTEST)
        finally:
            connection.close()

    def stop(self) -> None:
        """Power off."""
        self._process.terminate()
        self._process.wait()


def with_baud(board: Board, baud: int) -> Board:
    """The board with another speed of its line; 0: unchanged."""
    protocol = board.protocol.model_copy(update={"baud": baud} if baud else {})
    return board.model_copy(update={"protocol": protocol})


def built(board: str) -> Image:
    """A tiny model's image for a board: it runs and attests."""
    from tests.support.gateway.gateway_bench import build_tiny

    return build_tiny(board)


def padded(image: Image, size: int, version: str = "v1") -> Image:
    """The same image under another version, with noise behind it up to `size` bytes.

    Noise does not compress: a tool that packs what it sends gains nothing by it.
    """
    from tests.support.gateway.gateway_bench import renamed

    noise = random.Random(size).randbytes(size - len(image.bytes))
    return renamed(image, version, image.bytes + noise)
