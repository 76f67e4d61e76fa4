"""The button of boards that only a finger resets, as the command line has it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.boards.himax_boards import HIMAX, Board, image
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual.himax_bootloader import BANNER


@contextlib.contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`tinyops …`, which does not outlive the test."""
    command = [sys.executable, "-m", "tinyops.cli.main", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_signal_presses_reset_on_a_virtual_board(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    with program("virtual-board", HIMAX.name, "--link", str(port)) as board:
        assert board.stdout is not None
        said = board.stdout.readline()
        assert said.endswith(f"kill -USR1 {board.pid} presses its RESET button\n")
        with SerialPort(str(port)) as line:
            for _ in range(2):
                line.drain(0.5)
                board.send_signal(signal.SIGUSR1)
                assert line.read_exactly(len(BANNER), 5) == BANNER
        board.send_signal(signal.SIGTERM)
        assert board.wait(10) == 0


def test_flash_says_when_to_press_reset(tmp_path: Path) -> None:
    port, file = tmp_path / "tty", tmp_path / "image.bin"
    file.write_bytes(image(9000).bytes)
    arguments = ["flash", "--json", "--board", HIMAX.name, "--port", str(port), str(file)]
    with Board(port, tmp_path / "state") as virtual:
        assert virtual.settled()
        with program(*arguments) as flash:
            assert flash.stderr is not None
            asked = flash.stderr.readline()
            assert asked == f"press RESET on the Himax WE-I Plus EVB at {port}\n"
            virtual.press_reset()
            out, rest = flash.communicate(timeout=60)
    assert (flash.returncode, rest) == (0, "")
    assert json.loads(out)["bytes"] == 9000
