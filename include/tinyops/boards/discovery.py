"""Which boards hang off this machine's USB, as far as vendor and product ids tell.

A board with USB of its own has ids of its own. Many boards sit behind a bridge to a serial line,
such as a CH340 or CP2102: its ids say which bridge it is, and only what may be behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyops.boards.catalogue import board_names, load_board
from tinyops.boards.usb import usb_ports

BY_PATH = Path("/dev/serial/by-path")
"""Names by the USB socket, made by udev: what is left for adapters without a serial number."""


@dataclass(frozen=True)
class FoundPort:
    """A serial port on USB.

    Parameters
    ----------
    vid, pid
        USB vendor and product id.
    usb_serial
        USB serial number; empty when it has none, or shares it with another port.
    boards
        Kinds of board that have these ids.
    certain
        Whether it is one of them; behind a bridge it may be anything.
    """

    port: str
    vid: int
    pid: int
    usb_serial: str
    title: str
    boards: tuple[str, ...]
    certain: bool


def found_ports(ports: Sequence[Any] | None = None) -> list[FoundPort]:
    """The serial ports on USB, by name.

    Parameters
    ----------
    ports
        `ListPortInfo` of pyserial; those of this machine when they are not given.
    """
    here = [port for port in (usb_ports() if ports is None else ports) if port.vid is not None]
    serials = Counter(port.serial_number for port in here)
    return [
        FoundPort(
            port=str(port.device),
            vid=port.vid,
            pid=port.pid,
            usb_serial=port.serial_number or "" if serials[port.serial_number] == 1 else "",
            title=str(port.product or port.description or ""),
            **_kinds(port.vid, port.pid),
        )
        for port in sorted(here, key=lambda port: str(port.device))
    ]


def stable_name(port: str, folder: Path = BY_PATH) -> str:
    """A name of a port that lasts as long as it stays in its USB socket; else the port itself."""
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((str(link) for link in links if str(link.resolve()) == port), port)


def _kinds(vid: int, pid: int) -> dict[str, Any]:
    found = [
        (board.name, usb.state)
        for board in map(load_board, board_names())
        for usb in board.usb
        if (usb.vid, usb.pid) == (vid, pid)
    ]
    certain = bool(found) and all(state != "bridge" for _, state in found)
    return {"boards": tuple(dict.fromkeys(name for name, _ in found)), "certain": certain}
