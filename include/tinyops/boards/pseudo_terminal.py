"""Ports that are pseudo-terminals: every virtual board's is one, no real board's."""

from __future__ import annotations

from pathlib import Path

from tinyops.boards.errors import PortLost


def is_pseudo_terminal(port: str) -> bool:
    """Whether a port is a pty."""
    return str(Path(port).resolve()).startswith("/dev/pts/")


def require_its_own(port: str) -> None:
    """Refuse the link of a virtual board that was killed: its pty may be somebody's terminal now.

    Linux gives the number of a pty that is gone to the next one. A board makes its link after its
    pty, so a link that is older than what it points to has outlived its board.

    Raises
    ------
    PortLost
        It has.
    """
    link = Path(port)
    if not (link.is_symlink() and is_pseudo_terminal(port) and link.exists()):
        return
    if link.lstat().st_mtime_ns < link.stat().st_ctime_ns:
        raise PortLost(f"{port}: the virtual board that made it has ended", "start it again")
