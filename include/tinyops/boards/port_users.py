"""Exclusive access to a serial port, and the names of the programs that stand in its way.

Two readers of one port each get a part of the bytes, which looks like a board that does not answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import termios
import time
from pathlib import Path

from tinyops.boards.errors import PortLost
from tinyops.boards.pseudo_terminal import is_pseudo_terminal

SECOND_LOOK = 0.2
"""Seconds until a user of the port is believed. A program that another thread is just starting
holds copies of this process's files for a moment."""
_PROC = Path("/proc")


def claim(port: str, descriptor: int) -> None:
    """Keep other programs from opening a port that is open and locked here.

    Raises
    ------
    PortLost
        Another program has it open already.
    """
    if not is_pseudo_terminal(port):
        # Not a pty: it would keep the mark when this process is killed, until its board ends, and
        # shut out the next process too (seen on Linux 6.18). pyserial's flock holds for both.
        with contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, termios.TIOCEXCL)
    others = port_users(port)
    if others:
        time.sleep(SECOND_LOOK)
        others = [user for user in port_users(port) if user in others]
    if others:
        raise in_use(port, others)


def in_use(port: str, users: list[str]) -> PortLost:
    """The error for a port that others use; the users may be unknown."""
    by = f" by {', '.join(users)}" if users else ""
    return PortLost(f"{port} is in use{by}", "stop the program that uses the port")


def port_users(port: str, own: bool = False) -> list[str]:
    """Processes that have a port open, as `pid 123 (screen)`.

    Those of other users show to root alone.

    Parameters
    ----------
    own
        Include this process.
    """
    device = os.path.realpath(port)
    pids = {
        int(process)
        for process in _names(_PROC)
        if process.isdecimal() and device in _open_files(_PROC / process / "fd")
    }
    if not own:
        pids.discard(os.getpid())
    return [f"pid {pid} ({_command(pid)})" for pid in sorted(pids)]


def _open_files(folder: Path) -> set[str]:
    """Paths of the files that a process has open."""
    found = set()
    for name in _names(folder):
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(os.readlink(folder / name))  # noqa: PTH115 - a hundred times a process
    return found


def _names(folder: Path) -> list[str]:
    """Names in a folder; none if its process has ended or is another user's."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def _command(pid: int) -> str:
    # Not its arguments, which may hold secrets: the text goes into events.
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return "ended"
