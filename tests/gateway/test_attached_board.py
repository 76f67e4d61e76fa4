"""What a driver says while it flashes, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tinyops.boards import flashing
from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import BoardSilent
from tinyops.boards.flash_report import Ask, FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.boards.usb import PortIdentity
from tinyops.gateway import reset_command
from tinyops.gateway.attached_board import AttachedBoard
from tinyops.gateway.connection import Connection
from tinyops.gateway.shutdown import Shutdown, Stopped

HOURS = 1e6
Steps = Callable[[Progress, Ask], None]


class Stage:
    """A board whose driver does what a test tells it to."""

    def __init__(self, image: Image, folder: Path, patch: pytest.MonkeyPatch) -> None:
        kind = load_board(image.header.board)
        self.image = image
        self.shutdown = Shutdown(HOURS)
        self.asked: list[str] = []
        self.board = AttachedBoard(
            kind, Connection(PortIdentity(str(folder)), 115200), 1.0, self.shutdown
        )
        self._patch = patch

    def flash(self, steps: Steps) -> None:
        def driver(
            port: str, image: Image, board: Board, progress: Progress, ask: Ask
        ) -> FlashReport:
            steps(progress, ask)
            return FlashReport(board.name, port, 3, len(image.bytes), 2, 0.1, "none")

        self._patch.setattr(flashing, "flash", driver)
        self.board.flash(self.image, self.asked.append)


@pytest.fixture
def stage(built: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(built, tmp_path, monkeypatch)


def test_an_action_stands_until_the_flash_has_moved(stage: Stage) -> None:
    seen: list[str] = []

    def steps(progress: Progress, ask: Ask) -> None:
        ask("press RESET")
        for done in (0, 0, 50, 100):
            progress(done, 100)
            seen.append(stage.board.action)
        ask("press RESET once more")
        progress(100, 100)
        seen.append(stage.board.action)

    stage.flash(steps)
    assert seen == ["press RESET", "press RESET", "", "", "press RESET once more"]
    assert stage.board.action == ""
    assert stage.asked == ["press RESET", "press RESET once more"]
    tally = stage.board.tally
    assert (tally.flashes.success, tally.bytes, tally.retries) == (1, len(stage.image.bytes), 2)


@pytest.mark.parametrize("done", [0, 100])
def test_a_person_is_not_waited_for_when_the_gateway_shall_end(stage: Stage, done: int) -> None:
    def steps(progress: Progress, ask: Ask) -> None:
        progress(done, 100)
        ask("press RESET")
        stage.shutdown.begin()
        progress(done, 100)

    with pytest.raises(Stopped):
        stage.flash(steps)
    assert (stage.board.tally.flashes.stopped, stage.board.tally.flashes.failure) == (1, 0)


def test_an_action_stands_while_nobody_has_done_it(stage: Stage) -> None:
    def steps(progress: Progress, ask: Ask) -> None:
        ask("press RESET")
        raise BoardSilent("nobody pressed RESET", "press it")

    with pytest.raises(BoardSilent):
        stage.flash(steps)
    assert stage.board.action == "press RESET"
    assert stage.board.tally.flashes.failure == 1


@pytest.mark.parametrize(
    ("command", "done"),
    [
        ([], False),
        (["true"], True),
        (["sh", "-c", "echo no such hub >&2; exit 3"], False),
        (["/no/such/command"], False),
        (["sleep", "60"], False),
    ],
)
def test_a_command_presses_reset_or_a_person_does(
    command: list[str], done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reset_command, "SECONDS", 0.2)
    assert reset_command.pressed(command, "press-07") == done


def test_nobody_is_asked_for_what_a_command_does(stage: Stage) -> None:
    stage.board._reset = lambda: True
    stage.flash(lambda progress, ask: ask("press RESET"))
    assert (stage.asked, stage.board.action) == ([], "")


def test_a_silent_board_is_reset_once_where_a_command_can(stage: Stage) -> None:
    assert not stage.board.reset_once()
    pressed: list[bool] = []

    def press() -> bool:
        pressed.append(True)
        return True

    stage.board._reset = press
    assert [stage.board.reset_once() for _ in range(3)] == [True, False, False]
    assert len(pressed) == 1
