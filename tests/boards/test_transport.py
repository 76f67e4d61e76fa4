"""Serial ports over real pseudo-terminals, and the command that uses them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.boards.virtual_boards import eventually, idle_image
from tinyops.boards.catalogue import load_board
from tinyops.boards.errors import BoardSilent, PortLost
from tinyops.boards.flashing import flash
from tinyops.boards.link import LinkClosed
from tinyops.boards.transport import SerialPort, SerialStream
from tinyops.boards.usb import await_port, identify
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.boards.virtual.pty_line import PtyLine


@pytest.fixture
def line(tmp_path: Path) -> Iterator[PtyLine]:
    made = PtyLine(tmp_path / "tty")
    yield made
    made.close()


def test_a_port_without_modem_lines_goes_on_without_them(line: PtyLine) -> None:
    with SerialPort(str(line.link)) as port:
        assert port.lines.supported
        port.lines.set(dtr=True, rts=False)
        assert not port.lines.supported
        port.lines.set(dtr=False)
        port.write(b"still here")
        assert eventually(lambda: line.read() == b"still here")


def test_bytes_pass_unchanged_in_both_directions(line: PtyLine) -> None:
    every = bytes(range(256))
    with SerialPort(str(line.link)) as port:
        line.write(every)
        assert port.read_exactly(256, 2) == every
        port.write(every)
        got = b""
        while len(got) < 256:
            got += line.read()
        assert got == every


def test_silence_is_told_with_what_did_come(line: PtyLine) -> None:
    with SerialPort(str(line.link)) as port:
        line.write(b"abc")
        with pytest.raises(BoardSilent, match=r"3 of 4 bytes.*abc"):
            port.read_exactly(4, 0.1)


def test_a_port_that_takes_no_bytes_is_given_up(line: PtyLine) -> None:
    with (
        SerialPort(str(line.link), write_timeout=0.1) as port,
        pytest.raises(PortLost, match="takes no bytes"),
    ):
        port.write(bytes(1 << 20))


def test_an_unplugged_port_is_a_closed_link(line: PtyLine, tmp_path: Path) -> None:
    other = PtyLine(tmp_path / "other")
    with SerialPort(str(other.link)) as port:
        other.close()
        with pytest.raises(LinkClosed, match="vanished"):
            SerialStream(port).receive(1.0)
        with pytest.raises(LinkClosed, match="other"):
            SerialStream(port).send(b"x")
    with pytest.raises(PortLost, match="did not come back"):
        await_port(identify(str(other.link)), 0.2)


def test_the_board_sees_the_touch_once(line: PtyLine) -> None:
    assert not line.open
    SerialPort(str(line.link), baud=1200).close()
    assert line.touched
    line.forget_speed()
    assert not line.touched
    with SerialPort(str(line.link)):
        assert line.open


def tinyops(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tinyops.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_flash_prints_a_report_or_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    port, file = tmp_path / "tty", tmp_path / "image.bin"
    file.write_bytes(idle_image(9000).bytes)
    flash = ["flash", "--board", "nano33ble-sense", "--port", str(port), str(file)]
    absent = tinyops(*flash)
    assert absent.returncode == 1
    assert absent.stderr.splitlines()[-1].endswith(
        "is not there -> plug the board in and check the port's name"
    )
    with Nano33Ble(port, tmp_path / "state"):
        done = tinyops(*flash, "--json")
    report = json.loads(done.stdout)
    assert (report["pages"], report["bytes"], report["retries"]) == (3, 9000, 0)


def test_a_link_that_is_older_than_its_pty_is_not_followed(line: PtyLine) -> None:
    port = str(line.link)
    SerialPort(port).close()
    # As when its board was killed, and the pty's number went to another.
    os.utime(port, ns=(0, 0), follow_symlinks=False)
    with pytest.raises(PortLost, match="the virtual board that made it has ended"):
        SerialPort(port)
    with pytest.raises(PortLost, match="has ended"):
        flash(port, idle_image(), load_board("nano33ble-sense"))
