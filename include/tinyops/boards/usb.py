"""Which port a board has after it changed its USB identity, as a bootloader does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyops.boards.errors import PortLost
from tinyops.boards.transport import SerialPort


@dataclass(frozen=True)
class PortIdentity:
    """How a board is found again: by its USB serial number, else by the path it had.

    One of the two may be empty. The number has precedence: another board may have got the name.
    """

    path: str
    usb_serial: str = ""

    @property
    def name(self) -> str:
        """What to call it in front of people."""
        return self.path or f"the port with USB serial number {self.usb_serial}"

    def current_path(self) -> str | None:
        """The path now; None while no such port is there."""
        if not self.usb_serial:
            return self.path if Path(self.path).exists() else None
        found = [str(port.device) for port in usb_ports() if port.serial_number == self.usb_serial]
        if self.path and str(Path(self.path).resolve()) in found:
            return self.path
        # Adapters of some makers all have one serial number: then it finds nothing.
        return found[0] if len(found) == 1 else None


def identify(path: str) -> PortIdentity:
    """The identity of the port that is at `path` now. A pseudo-terminal keeps its path.

    A serial number that two ports share identifies neither.
    """
    device, ports = str(Path(path).resolve()), usb_ports()
    numbers = [port.serial_number for port in ports]
    for port in ports:
        if port.device == device and port.serial_number and numbers.count(port.serial_number) == 1:
            return PortIdentity(path, port.serial_number)
    return PortIdentity(path)


def touch_1200(path: str) -> None:
    """Open the port at 1200 baud and close it with DTR low: "enter your bootloader".

    ArduinoCore-mbed (cores/arduino/USB/USBSerial.cpp) acts when the port has been closed for
    200 ms after a line coding of 1200.
    """
    with SerialPort(path, baud=1200) as port:
        port.lines.set(dtr=False)


def await_port(identity: PortIdentity, timeout: float) -> str:
    """Wait until the board is there again; returns its path."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        path = identity.current_path()
        if path is not None:
            return path
        time.sleep(0.05)
    raise PortLost(
        f"{identity.name} did not come back within {timeout:g} s",
        "press RESET twice within half a second, or plug the board in again",
    )


def usb_ports() -> list[Any]:
    """All serial ports that the system names, as pyserial's `ListPortInfo`; no pseudo-terminals."""
    from serial.tools.list_ports import comports

    return list(comports())
