"""SIGTERM: a flash that can end in time does, another stops between two pages; both recover."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.gateway.frame_device import HEADER, ScriptedDevice
from tests.support.gateway.gateway_bench import Bench, release, wait_for
from tinyops.boards.image import Image
from tinyops.boards.usb import PortIdentity
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.gateway.attest import attest
from tinyops.gateway.connection import Connection
from tinyops.gateway.shutdown import FlashPace, Shutdown, Stopped

pytestmark = pytest.mark.slow

HOURS = 1e6
PAGE = 4096
BLANK = b"\xff" * PAGE
Start = Callable[[], subprocess.Popen[bytes]]


def begun(grace: float) -> Shutdown:
    shutdown = Shutdown(grace)
    shutdown.begin()
    return shutdown


def test_without_a_shutdown_a_flash_goes_on() -> None:
    pace = FlashPace(Shutdown(0))
    for done in range(11):
        pace(done, 10)


def test_a_flash_that_ends_in_time_goes_on_and_a_longer_one_stops() -> None:
    for grace, goes_on in ((HOURS, True), (0.0, False)):
        pace = FlashPace(shutdown := Shutdown(grace))
        pace(0, 10)
        shutdown.begin()
        if goes_on:
            pace(5, 10)
        else:
            with pytest.raises(Stopped):
                pace(5, 10)


def test_what_has_written_nothing_is_stopped_and_what_is_complete_is_not() -> None:
    with pytest.raises(Stopped):
        FlashPace(begun(HOURS))(0, 10)
    FlashPace(begun(-1.0))(10, 10)


def test_a_second_signal_does_not_prolong_it() -> None:
    shutdown = begun(HOURS)
    assert shutdown.allows(HOURS - 60)
    time.sleep(0.01)
    shutdown.begin()
    assert not shutdown.allows(HOURS)


def test_a_board_that_says_nothing_is_not_waited_for(tmp_path: Path, built: Image) -> None:
    connection = Connection(PortIdentity(str(tmp_path / "tty")), 115200)
    with ScriptedDevice(tmp_path / "tty", HEADER) as device:
        device.slow = True
        with pytest.raises(Stopped):
            attest(connection, built, HOURS, begun(HOURS).pause)
    connection.close()


@pytest.fixture
def start(bench: Bench, tmp_path: Path) -> Iterator[Start]:
    command = [sys.executable, "-m", "tinyops.cli.main", "gateway", "run", "--config"]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / "gateway.log").open("ab") as log:
            process = subprocess.Popen([*command, str(bench.config)], stdout=log, stderr=log)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


class Unhurried(Nano33Ble):
    """Its bootloader takes its time for each answer, as a real flash does."""

    def to_host(self, data: bytes) -> None:
        if self.mode == "bootloader":
            time.sleep(0.1)
        super().to_host(data)


@pytest.mark.parametrize("seconds", [0, 20])
def test_sigterm_while_flashing_ends_in_time_and_the_next_start_attests(
    bench: Bench, built: Image, start: Start, seconds: int, tmp_path: Path
) -> None:
    content = yaml.safe_load(bench.config.read_text()) | {"stop_seconds": seconds}
    bench.config.write_text(yaml.safe_dump(content))
    release(bench.store, built)
    bench.board.stop()
    with Unhurried(bench.board.port, tmp_path / "unhurried") as bench.board:
        process = start()
        wait_for(lambda: bench.flash(built)[PAGE:][:PAGE] != BLANK, "the second page", pause=0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        whole = bench.flash(built) == built.bytes
        assert whole == bool(seconds)
        assert bench.saw("flashed", "v1") == whole
        assert not bench.saw("attested", "v1")
        start()
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
        assert bench.flash(built) == built.bytes
    assert bench.kinds().count(("flashing", "v1")) == 1
