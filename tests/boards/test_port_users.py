"""A port belongs to one program, and the error names the other."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinyops.boards import port_users
from tinyops.boards.errors import PortLost
from tinyops.boards.transport import SerialPort
from tinyops.boards.virtual.pty_line import PtyLine

TIOCGEXCL = 0x80045440
OPEN = """
import fcntl, os, sys, time
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
if sys.argv[2] == "lock":
    fcntl.flock(port, fcntl.LOCK_EX)
print("open", flush=True)
time.sleep(60)
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[str]:
    line = PtyLine(tmp_path / "tty")
    yield str(line.link)
    line.close()


@pytest.mark.parametrize("how", ["lock", "only open"])
def test_another_program_that_has_the_port_is_named(port: str, how: str) -> None:
    command = [sys.executable, "-c", OPEN, port, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            with pytest.raises(PortLost, match=rf"is in use by pid {other.pid} \(py") as caught:
                SerialPort(port)
            assert caught.value.fix == "stop the program that uses the port"
        finally:
            other.kill()
    with SerialPort(port):
        assert port_users.port_users(port) == []


def test_this_process_is_named_too(port: str) -> None:
    with SerialPort(port), pytest.raises(PortLost, match=rf"in use by pid {os.getpid()} \("):
        SerialPort(port)


def test_a_real_port_is_closed_to_others_and_a_pty_is_not(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exclusive() -> bool:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
        try:
            (mark,) = struct.unpack("i", fcntl.ioctl(descriptor, TIOCGEXCL, bytes(4)))
            return bool(mark)
        finally:
            os.close(descriptor)

    with SerialPort(port):
        assert not exclusive()
    monkeypatch.setattr(port_users, "is_pseudo_terminal", lambda port: False)
    with SerialPort(port) as line:
        assert exclusive()
        fcntl.ioctl(line._descriptor, termios.TIOCNXCL)
