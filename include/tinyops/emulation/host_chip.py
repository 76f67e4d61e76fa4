"""A chip without an emulator: its firmware is built for the host and runs as a process.

It computes what TensorFlow Lite Micro and the firmware's C sources compute. How fast, and in how
much memory, says nothing about a board.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from tinyops.emulation.chip import CHIP_ID_BYTES, Chip
from tinyops.environment import bare_environment


class HostChip(Chip):
    """A running process with the same lines as `Machine`. It ends when its lines do.

    Parameters
    ----------
    flash
        Bytes of flash from the first byte of the image on (see `host_parts`).
    chip_id
        As with `Chip`.
    """

    def __init__(self, flash: bytes, chip_id: bytes = bytes(CHIP_ID_BYTES)) -> None:
        super().__init__(chip_id)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `stop`
        try:
            self._start(flash)
        except BaseException:
            self.stop()
            raise

    def log(self) -> str:
        """What the process has written to its standard error; nothing after `stop`."""
        if self._log.closed:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> None:
        """Power off; harmless when it is off."""
        self._power_off()
        self._log.close()

    def _start(self, flash: bytes) -> None:
        guests, samples = self._lines(), self._memory()
        content = os.memfd_create("tinyops-flash")
        try:
            with open(content, "wb", closefd=False) as file:
                file.write(flash)
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
            self._confine()
        finally:
            os.close(content)
            os.close(samples)
            for guest in guests:
                guest.close()
