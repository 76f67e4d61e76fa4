"""A virtual Arduino Nano 33 BLE Sense: bootloader and flash in Python, application in QEMU."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tinyops.boards.virtual.faults import Faults, FaultyLine
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.nano_bootloader import APP, APP_END, PAGE, NanoBootloader
from tinyops.boards.virtual.pty_line import PtyLine
from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.boards.virtual.uart import Uart
from tinyops.emulation import Machine

Mode = Literal["off", "bootloader", "application"]
# How often a closed or unplugged port is looked at: a pty tells nobody when it is opened. The
# host waits at least 200 ms after a touch, as it must for real boards.
LOOK = 0.05


class VirtualBoard:
    """One board, run by a thread of its own between `start` and `stop`.

    Parameters
    ----------
    link
        Path of the symlink that stands for the port.
    state
        Folder of what survives power cuts: the flash.
    sensor
        Answers the application's requests for samples; without one they stay unanswered.
    faults
        What shall go wrong.
    """

    def __init__(
        self,
        link: Path,
        state: Path,
        sensor: VirtualSensor | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.flash = FlashMemory(state / "flash.bin", APP_END, PAGE)
        self.mode: Mode = "off"
        self.port = link
        self._sensor = sensor
        self._faults = faults or Faults()
        self._faulty = FaultyLine(self._faults)
        self._bootloader = NanoBootloader(self.flash, self._to_host, self._restart)
        self._line: PtyLine | None = None
        self._machine: Machine | None = None
        self._uarts: tuple[Uart, Uart] | None = None
        self._power_back: float | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._orders: list[str] = []
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Plug in and power on; returns when the port is there."""
        self._line = PtyLine(self.port)
        self._restart()
        self._thread = threading.Thread(target=self._run, name=f"board {self.port.name}")
        self._thread.start()

    def stop(self) -> None:
        """Power off, unplug, and keep the flash. Raises what ended the board's thread, if any."""
        self._stopping.set()
        self._order("")
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            os.close(self._wake_read)
            os.close(self._wake_write)
            self.flash.close()
        if self._failure is not None:
            raise self._failure

    def wait(self) -> None:
        """Until the board's thread ends."""
        # Not join(): a signal handler's exception in it marks a live thread as ended (Python 3.11).
        self._ended.wait()

    def unplug(self) -> None:
        """Pull the plug: the port vanishes and the power goes."""
        self._order("unplug")

    def plug(self) -> None:
        """Put the plug back."""
        self._order("plug")

    def press_reset(self, times: int = 1) -> None:
        """A finger on RESET; twice enters the bootloader."""
        self._order("bootloader" if times == 2 else "reset")

    def _order(self, order: str) -> None:
        self._orders.append(order)
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"!")

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._step()
        except BaseException as error:
            self._failure = error
        finally:
            self._power_off()
            self._unplug_line()
            self._ended.set()

    def _step(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        host_there = self._line is not None and self._line.open
        if self._line is not None and host_there:
            events = select.POLLIN | (select.POLLOUT if self._line.pending else 0)
            poll.register(self._line, events)
        chip = self._machine
        if chip is not None and self._uarts is not None and chip.alive:
            for uart in self._uarts:
                uart.flush()
                waits = select.POLLOUT if uart.pending else 0
                poll.register(uart.socket, select.POLLIN | waits)
        ready = {fd for fd, _ in poll.poll(self._patience(host_there) * 1000)}
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
            while self._orders:
                self._obey(self._orders.pop(0))
            return
        if self._power_back is not None and time.monotonic() >= self._power_back:
            self._power_back = None
            self._obey("plug")
            return
        if self._machine is not None and self._uarts is not None:
            self._serve_chip(self._machine, *self._uarts)
        if self._line is not None:
            self._serve_line(self._line)

    def _patience(self, host_there: bool) -> float:
        patience = 1.0 if host_there else LOOK
        due = self._sensor.next_due() if self._sensor and self.mode == "application" else None
        if due is not None:
            patience = min(patience, max(0.0, due - time.monotonic()))
        return patience

    def _serve_line(self, line: PtyLine) -> None:
        line.flush()
        # The last bytes before a close come together with it: read first, then look at the close.
        data = line.read()
        if data:
            self._from_host(data)
        elif self._line is line and not line.open and line.touched:
            line.forget_speed()
            if self.mode == "application":
                # A real board acts on the touch only while its application serves USB; here it
                # works whatever the application does.
                self._enter_bootloader()

    def _from_host(self, data: bytes) -> None:
        if self.mode == "bootloader":
            data, cut = self._faulty.passed(data)
            self._bootloader.feed(data)
            if cut:
                self._obey("unplug")
                if self._faults.power_back_after is not None:
                    self._power_back = time.monotonic() + self._faults.power_back_after
        elif self._uarts is not None:
            self._uarts[0].send(data)

    def _serve_chip(self, chip: Machine, link: Uart, samples: Uart) -> None:
        if data := link.receive():
            self._to_host(data)
        requests = samples.receive()
        if self._sensor is not None:
            self._sensor.feed(requests)
            samples.send(self._sensor.answer(chip.shared_ram))

    def _to_host(self, data: bytes) -> None:
        if self._line is not None:
            self._line.write(data)

    def _obey(self, order: str) -> None:
        if order == "unplug":
            self._power_off()
            self._unplug_line()
        elif order == "plug" and self._line is None:
            self._line = PtyLine(self.port)
            self._restart()
        elif order == "reset" and self.mode != "off":
            self._restart()
        elif order == "bootloader" and self.mode != "off":
            self._enter_bootloader()

    def _restart(self) -> None:
        self._power_off()
        if NanoBootloader.stays(self.flash):
            self._enter_bootloader()
            return
        if self._sensor is not None:
            self._sensor.restart()
        content = self.flash.read(APP, APP_END - APP)
        self._machine = Machine(content, flash_base=APP, app_base=APP)
        self._uarts = Uart(self._machine.uart0), Uart(self._machine.uart1)
        self.mode = "application"

    def _enter_bootloader(self) -> None:
        self._power_off()
        self._bootloader = NanoBootloader(self.flash, self._to_host, self._restart)
        self.mode = "bootloader"

    def _power_off(self) -> None:
        if self._machine is not None:
            self._machine.stop()
            self._machine = None
            self._uarts = None
        self.mode = "off"

    def _unplug_line(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
