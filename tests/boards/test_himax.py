"""The driver of the Himax WE-I Plus EVB against its virtual board, over a real pseudo-terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.boards.himax_boards import HIMAX, Board, Finger, flashed, image, nobody
from tests.support.boards.virtual_boards import eventually
from tinyops.boards.drivers import himax_xmodem
from tinyops.boards.errors import BoardSilent, FlashFailed, WrongAnswer
from tinyops.boards.flashing import flash
from tinyops.boards.virtual.faults import Faults
from tinyops.boards.virtual.himax_bootloader import (
    APP,
    BOOT_FAIL,
    BURNT,
    END,
    MENU,
    PAGE,
    RECEIVE_ERROR,
    SLICE,
    HimaxBootloader,
)
from tinyops.boards.virtual.xmodem_receiver import ACK, BLOCK, NAK, START

pytestmark = pytest.mark.slow


class Stopped(Exception):
    """Raised by a progress callback, as the gateway's does when it has to end."""


@pytest.fixture
def port(tmp_path: Path) -> str:
    return str(tmp_path / "ttyVIRTUAL0")


@pytest.fixture
def virtual(tmp_path: Path, port: str) -> Iterator[Board]:
    with Board(Path(port), tmp_path / "state") as running:
        assert running.settled()
        yield running


def test_a_board_is_flashed_and_then_again_over_its_application(virtual: Board, port: str) -> None:
    first, second = image(30_001, seed=1), image(12_000, seed=2)
    steps: list[tuple[int, int]] = []
    finger = Finger(virtual)

    report = flash(port, first, HIMAX, lambda *step: steps.append(step), finger)

    assert virtual.flash.read(APP, 30_001) == first.bytes
    assert virtual.flash.read(0, APP) == b"\xff" * APP
    # The last block is filled up with 1A, the last page stays blank behind it.
    assert virtual.flash.read(APP + 30_001, 79 + 16) == b"\x1a" * 79 + b"\xff" * 16
    assert (report.bytes, report.pages, report.retries) == (30_001, 8, 0)
    assert report.bootloader == "Himax WEI Boot loader 1.4.4"
    assert finger.asked == [f"press RESET on the Himax WE-I Plus EVB at {port}"]
    assert steps[0] == (0, 30_001)
    assert steps[-1] == (30_001, 30_001)
    assert steps == sorted(steps)
    flashed(virtual, second)


def test_an_image_longer_than_one_file_goes_in_two(virtual: Board) -> None:
    what = image(SLICE + 50_000)
    flashed(virtual, what)
    assert virtual.said.count(BURNT) == 2
    assert b"successfully received 1048576 bytes\r\n" + BURNT in virtual.said


def test_nobody_presses_reset(virtual: Board, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(himax_xmodem, "RESET_WAIT", 0.3)
    with pytest.raises(BoardSilent, match=r"nobody pressed RESET within 0\.3 s") as caught:
        flash(port, image(), HIMAX, ask=nobody)
    assert "press RESET when" in caught.value.fix
    assert virtual.flash.read(0, END) == b"\xff" * END


def test_a_finger_that_presses_twice_is_followed(virtual: Board) -> None:
    finger = Finger(virtual, times=2)
    report = flashed(virtual, image(), finger)
    assert (len(finger.asked), report.bytes) == (1, len(image().bytes))


def test_reset_in_the_middle_is_named_and_the_next_try_works(virtual: Board, port: str) -> None:
    def press(done: int, total: int) -> None:
        if done == 50 * BLOCK:
            virtual.press_reset()

    with pytest.raises(WrongAnswer, match="restarted during the transfer"):
        flash(port, image(), HIMAX, press, Finger(virtual))
    flashed(virtual, image())


def test_a_stop_leaves_the_bootloader_in_its_menu_and_the_next_flash_needs_no_finger(
    virtual: Board, port: str
) -> None:
    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise Stopped

    with pytest.raises(Stopped):
        flash(port, image(), HIMAX, stop, Finger(virtual))
    assert virtual.said.endswith(RECEIVE_ERROR + MENU)
    report = flashed(virtual, image(seed=2), pytest.fail)
    assert report.bootloader == "Himax WEI Boot loader"


def test_a_stop_ends_the_wait_for_reset(virtual: Board, port: str) -> None:
    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        flash(port, image(), HIMAX, stop, nobody)


def test_reset_is_asked_for_when_the_menu_starts_nothing(
    tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnlyByReset(HimaxBootloader):
        def _press(self, key: bytes) -> None:
            if key != b"0":
                super()._press(key)

    class Other(Board):
        def _reset(self, twice: bool = False) -> None:
            self.enter_bootloader(OnlyByReset(self.flash, self.to_host, self.launch))

    monkeypatch.setattr(himax_xmodem, "BOOT_WAIT", 0.2)
    with Other(Path(port), tmp_path / "state") as virtual:
        assert virtual.settled()
        finger = Finger(virtual)
        flashed(virtual, image(), finger)
        assert len(finger.asked) == 2
        assert "once more" in finger.asked[1]
        monkeypatch.setattr(himax_xmodem, "RESET_WAIT", 0.6)
        presses = itertools.chain([virtual.press_reset], itertools.repeat(lambda: None))
        with pytest.raises(BoardSilent, match="no boot log"):
            flash(port, image(), HIMAX, ask=lambda what: next(presses)())


@pytest.mark.parametrize("faults", [{"corrupt": 1e-3}, {"drop": 2e-4}], ids=str)
def test_a_bad_line_is_repeated_until_all_is_right(
    tmp_path: Path, port: str, faults: dict[str, float]
) -> None:
    with Board(Path(port), tmp_path / "state", faults=Faults(seed=3, **faults)) as virtual:
        assert virtual.settled()
        assert flashed(virtual, image(15_000)).retries > 0
        assert NAK in virtual.said


def test_a_call_that_comes_late_is_no_answer(tmp_path: Path, port: str) -> None:
    class Calling(Board):
        def to_host(self, data: bytes) -> None:
            super().to_host(START + data if data == ACK else data)

    with Calling(Path(port), tmp_path / "state") as virtual:
        assert virtual.settled()
        assert flashed(virtual, image()).retries == 0


def test_a_power_cut_tears_the_image_which_does_not_boot_until_it_is_flashed_again(
    tmp_path: Path, port: str
) -> None:
    what = image(20_000)
    faults = Faults(power_cut_after=12_000, power_back_after=0.2)
    with Board(Path(port), tmp_path / "state", faults=faults) as virtual:
        assert virtual.settled()
        virtual.said = b""
        with pytest.raises(WrongAnswer, match="restarted during the transfer"):
            flash(port, what, HIMAX, ask=Finger(virtual))
        virtual.press_reset()
        assert eventually(lambda: virtual.said.endswith(BOOT_FAIL))
        assert virtual.flash.read(APP, PAGE) == what.bytes[:PAGE]
        flashed(virtual, what)


def test_a_refused_image_is_no_success(virtual: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    write = virtual.flash.write
    monkeypatch.setattr(virtual.flash, "write", lambda at, data: write(at, data[:-1] + b"\0"))
    with pytest.raises(FlashFailed, match="BOOT_FAIL"):
        flash(str(virtual.port), image(), HIMAX, ask=Finger(virtual))
    assert virtual.said.endswith(BOOT_FAIL)
