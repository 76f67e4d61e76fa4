"""A chip without an emulator: its firmware is built for the host and runs as a process.

It computes what TensorFlow Lite Micro and the firmware's C sources compute. How fast, and in how
much memory, says nothing about a board.
"""

from __future__ import annotations

import mmap
import os
import socket
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Self

from tinyops.emulation.machine import SHARED_RAM_BYTES, EmulationError
from tinyops.environment import bare_environment


class HostChip:
    """A running process with the same lines as `Machine`.

    Parameters
    ----------
    flash
        Bytes of flash from the first byte of the image on (see `host_parts`).
    """

    def __init__(self, flash: bytes) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `stop`
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: list[socket.socket] = []
        self._shared_ram: mmap.mmap | None = None
        try:
            self._start(flash)
        except BaseException:
            self.stop()
            raise

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
        """The link's line; end of file means that the process has ended."""
        return self._sockets[0]

    @property
    def uart1(self) -> socket.socket:
        """The sensor's line."""
        return self._sockets[1]

    @property
    def shared_ram(self) -> mmap.mmap:
        """Memory that the firmware reads samples from."""
        if self._shared_ram is None:
            raise EmulationError("the chip is stopped", "start a new one")
        return self._shared_ram

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id."""
        if self._process is None:
            raise EmulationError("the chip is stopped", "start a new one")
        return self._process.pid

    def log(self) -> str:
        """What the process has written to its standard error."""
        if self._log.closed:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> None:
        """Power off; harmless when it is off."""
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
        self._log.close()

    def _start(self, flash: bytes) -> None:
        pairs = [socket.socketpair() for _ in range(2)]
        self._sockets = [host for host, _ in pairs]
        guests = [guest for _, guest in pairs]
        # Files without names: they go with their last user, however that ends. So does the process:
        # it ends when its lines do.
        content = os.memfd_create("tinyops-flash")
        samples = os.memfd_create("tinyops-shared-ram")
        try:
            with open(content, "wb", closefd=False) as file:
                file.write(flash)
            os.ftruncate(samples, SHARED_RAM_BYTES)
            self._shared_ram = mmap.mmap(samples, SHARED_RAM_BYTES)
            files = (content, samples, *(guest.fileno() for guest in guests))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tinyops.emulation.host_runner", *map(str, files)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=bare_environment(),
                pass_fds=files,
                start_new_session=True,
            )
        finally:
            os.close(content)
            os.close(samples)
            for guest in guests:
                guest.close()
