"""What runs firmware: an emulated machine, or a process of the host."""

from __future__ import annotations

import contextlib
import mmap
import os
import resource
import socket
import subprocess
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from tinyops.errors import TinyOpsError

SHARED_RAM_BYTES = 16 << 20
"""What QEMU 7.2's mps2-an386 has as PSRAM; it accepts no other size (hw/arm/mps2.c)."""


MEMORY_BYTES = 4 << 30
"""Address space of the process: QEMU 7.2 takes 1.35 GB of it, most for translated code, and keeps
44 MB in memory."""


CHIP_ID_BYTES = 8
CHIP_ID_OFFSET = 0x10000
"""Of the chip's number in the shared memory: behind what a sensor fills."""


class EmulationError(TinyOpsError):
    """What runs the firmware is missing, or does not run."""


class Chip(ABC):
    """Powered on when it is made: a child process, two serial lines as sockets, shared memory.

    Parameters
    ----------
    chip_id
        The chip's own number, which its firmware reports; zeros for none.
    """

    def __init__(self, chip_id: bytes = bytes(CHIP_ID_BYTES)) -> None:
        if len(chip_id) != CHIP_ID_BYTES:
            raise ValueError(f"a chip's number has {CHIP_ID_BYTES} bytes, not {len(chip_id)}")
        self._chip_id = chip_id
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: list[socket.socket] = []
        self._shared_ram: mmap.mmap | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def uart0(self) -> socket.socket:
        """The link's line. A restart makes a new one; end of file means that the process ended."""
        return self._sockets[0]

    @property
    def uart1(self) -> socket.socket:
        """The sensor's line."""
        return self._sockets[1]

    @property
    def shared_ram(self) -> mmap.mmap:
        """Written by the host as by a DMA controller. A restart makes a new one."""
        if self._shared_ram is None:
            raise EmulationError("the chip is stopped", "start a new one")
        return self._shared_ram

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise EmulationError("the chip is stopped", "start a new one")
        return self._process.pid

    @abstractmethod
    def log(self) -> str:
        """What the process has written to its standard error."""

    @abstractmethod
    def stop(self) -> None:
        """Power off; harmless when it is off."""

    def _confine(self) -> None:
        """Give the process, which runs code that was made from anyone's model, a limit of memory
        and no core dump. Time is limited by whoever talks to it: a virtual board lives for weeks.
        """
        with contextlib.suppress(ProcessLookupError):
            for kind, limit in (
                (resource.RLIMIT_CORE, 0),
                (resource.RLIMIT_AS, MEMORY_BYTES),
            ):
                resource.prlimit(self.pid, kind, (limit, limit))

    def _lines(self) -> list[socket.socket]:
        """Make both lines; returns the ends of the process, to be closed when it has them."""
        pairs = [socket.socketpair() for _ in range(2)]
        self._sockets = [host for host, _ in pairs]
        return [guest for _, guest in pairs]

    def _memory(self) -> int:
        """Make the shared memory; returns its file, to be closed when the process has it.

        It has no name: it goes with its last user, however that ends.
        """
        file = os.memfd_create("tinyops-shared-ram")
        os.ftruncate(file, SHARED_RAM_BYTES)
        self._shared_ram = mmap.mmap(file, SHARED_RAM_BYTES)
        self._shared_ram[CHIP_ID_OFFSET : CHIP_ID_OFFSET + CHIP_ID_BYTES] = self._chip_id
        return file

    def _power_off(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        for sock in self._sockets:
            sock.close()
        self._sockets = []
        if self._shared_ram is not None:
            self._shared_ram.close()
            self._shared_ram = None
