"""What runs firmware: an emulated machine or a process of the host."""

from __future__ import annotations

import mmap
import socket
from typing import Protocol


class Chip(Protocol):
    """Powered on when it is made."""

    @property
    def uart0(self) -> socket.socket:
        """The link's line."""

    @property
    def uart1(self) -> socket.socket:
        """The sensor's line."""

    @property
    def shared_ram(self) -> mmap.mmap:
        """What the sensor writes and the firmware reads."""

    @property
    def alive(self) -> bool:
        """Whether it still runs."""

    def stop(self) -> None:
        """Power off; harmless when it is off."""
