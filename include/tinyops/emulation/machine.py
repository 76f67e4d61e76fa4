"""One emulated Cortex-M4 machine: QEMU's mps2-an386, two UARTs as sockets, RAM that is shared."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tinyops.emulation.chip import CHIP_ID_BYTES, SHARED_RAM_BYTES, Chip, EmulationError
from tinyops.environment import bare_environment

QEMU = "qemu-system-arm"
INSTRUCTIONS_PER_TICK = 40
"""Under `icount`, an instruction takes 1 ns of virtual time and SysTick counts at 25 MHz."""


class Machine(Chip):
    """A running machine. UART0 is `uart0`, UART1 is `uart1`: connected sockets of the host.

    Parameters
    ----------
    flash
        Bytes of flash from `flash_base` on.
    flash_base
        Their address, in bytes.
    app_base
        Address of the application's vector table; the machine boots from there.
    icount
        Count instructions: one is 1 ns of virtual time, so counts repeat exactly. Slower, and an
        idle machine does not wait for real time.
    chip_id
        As with `Chip`.

    Raises
    ------
    EmulationError
        QEMU is not installed, or ends at once.
    """

    def __init__(
        self,
        flash: bytes,
        flash_base: int,
        app_base: int,
        icount: bool = False,
        chip_id: bytes = bytes(CHIP_ID_BYTES),
    ) -> None:
        super().__init__(chip_id)
        self.flash_base = flash_base
        self.app_base = app_base
        self.icount = icount
        self._folder = Path(tempfile.mkdtemp(prefix="tinyops-machine-"))
        self._guard: subprocess.Popen[bytes] | None = None
        try:
            self._start(flash)
        except BaseException:
            self.stop()
            raise

    def restart(self, flash: bytes) -> None:
        """Power off and on with other bytes in flash; UARTs and shared RAM become new ones."""
        self._power_off()
        self._folder.mkdir(exist_ok=True)
        self._start(flash)

    def stop(self) -> None:
        """Power off; harmless when it is off."""
        self._power_off()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, flash: bytes) -> None:
        start = self.app_base - self.flash_base
        if start < 0 or len(flash) < start + 8:
            raise EmulationError(
                f"{len(flash)} bytes of flash at {self.flash_base:#x} hold no application "
                f"at {self.app_base:#x}",
                "give the bytes from the flash base on",
            )
        files = _loadable(flash, self.flash_base, start)
        guests, memory = self._lines(), self._memory()
        # A multiplexer in front of each socket: its 32-byte buffer saves a turn of QEMU's main loop
        # a byte (a third of the processor time). 256 is no byte, so it has no escape character.
        command = [QEMU, "-M", "mps2-an386,memory-backend=shared"]
        command += ["-nodefaults", "-display", "none", "-echr", "256"]
        for address, content in files.items():
            file = self._folder / f"flash-{address:x}.bin"
            file.write_bytes(content)
            command += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
        for number, guest in enumerate(guests):
            command += ["-chardev", f"socket,id=uart{number},fd={guest.fileno()},mux=on"]
            command += ["-serial", f"chardev:uart{number}"]
        if self.icount:
            command += ["-icount", "shift=0"]
        backend = f"id=shared,size={SHARED_RAM_BYTES},mem-path=/dev/fd/{memory},share=on"
        command += ["-object", f"memory-backend-file,{backend}"]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=(self._folder / "qemu.log").open("wb"),
                env=bare_environment(),
                pass_fds=[memory, *(guest.fileno() for guest in guests)],
                start_new_session=True,
            )
        except FileNotFoundError:
            raise EmulationError(f"no {QEMU}", "install it (see packages.txt)") from None
        finally:
            os.close(memory)
            for guest in guests:
                guest.close()
        self._confine()
        self._guard = _guard(self._process.pid, self._folder)

    def log(self) -> str:
        """What QEMU has written to its standard error."""
        path = self._folder / "qemu.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _power_off(self) -> None:
        # The guard first: it would kill whatever process has this id by then.
        if self._guard is not None:
            self._guard.kill()
            self._guard.wait()
            if self._guard.stdin is not None:
                self._guard.stdin.close()
            self._guard = None
        super()._power_off()


def _loadable(flash: bytes, base: int, start: int) -> dict[int, bytes]:
    # The processor reads its stack pointer and entry at address 0; a bootloader would read them at
    # the application's base. QEMU 7.2 refuses files that overlap, and writes the loader's `data=`
    # only after the processor has read them.
    vectors = flash[start : start + 8]
    if base < len(vectors):
        return {0: vectors + flash[len(vectors) - base :]}
    return {0: vectors, base: flash}


def _guard(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    # QEMU 7.2 does not end with its parent. This shell waits for the end of file that comes when
    # this process dies in whatever way, kills it and clears up.
    return subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; kill -9 "$1"; rm -rf "$2"', "sh", str(pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=bare_environment(),
        start_new_session=True,
    )
