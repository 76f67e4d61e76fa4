"""What all virtual boards share: a port, flash, faults, and a chip that runs what was flashed.

Each kind of board is a class of its own beside this file. It says how large its flash is, gives the
bootloader, and says what a host's opening and closing of the port does to the board.
"""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Literal

from tinyops.boards.virtual.application import Application
from tinyops.boards.virtual.board_thread import BoardThread
from tinyops.boards.virtual.bootloader import Bootloader
from tinyops.boards.virtual.chip_id import chip_id
from tinyops.boards.virtual.faults import Faults, FaultyLine, Loss
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.host_line import HostLine
from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.boards.virtual.wire import START_TO_STOP
from tinyops.emulation import Chip, Machine

Mode = Literal["off", "bootloader", "application"]
# How often a closed or unplugged port is looked at: a pty tells nobody when it is opened. The
# host waits at least 200 ms after a touch, as it must for real boards.
LOOK = 0.05


class VirtualBoard(BoardThread):
    """One board, run by a thread of its own between `start` and `stop`.

    Parameters
    ----------
    link
        Path of the symlink that stands for the port.
    state
        Folder of what survives power cuts: the flash and the chip's number.
    sensor
        Answers the application's requests for samples; without one they stay unanswered.
    faults
        What shall go wrong.
    paced
        Whether the bootloader's line and its flash take the time that they take on a real board;
        else they take none.
    """

    FLASH_BYTES: ClassVar[int]
    PAGE_BYTES: ClassVar[int]
    APP: ClassVar[int]
    """Where the application starts, counted from the start of flash."""
    PAGE_SECONDS: ClassVar[float] = 0.0
    """Erasing and writing a page, for a board that is paced."""
    BRIDGED: ClassVar[bool] = True
    """Whether the port is a chip of its own, which stays when the board's power goes."""

    def __init__(
        self,
        link: Path,
        state: Path,
        sensor: VirtualSensor | None = None,
        faults: Faults | None = None,
        paced: bool = False,
    ) -> None:
        super().__init__(f"board {link.name}")
        self.chip_id = chip_id(state / "chip-id")
        self.flash = FlashMemory(state / "flash.bin", self.FLASH_BYTES, self.PAGE_BYTES)
        self.mode: Mode = "off"
        self.port = link
        self._sensor = sensor
        self._faults = faults or Faults()
        self._line = HostLine(link, self._faults)
        self._paced = paced
        self._waited_pages = 0
        self._bootloader: Bootloader | None = None
        self._host_there = False
        self._application: Application | None = None
        self._power_back: float | None = None

    def start(self) -> None:
        """Plug in and power on; returns when the port is there."""
        self._plug_line()
        super().start()

    def unplug(self) -> None:
        """Pull the plug: the port vanishes and the power goes."""
        self._order("unplug")

    def plug(self) -> None:
        """Put the plug, or the power, back."""
        self._order("plug")

    def press_reset(self, times: int = 1) -> None:
        """A finger on RESET, once or twice in quick succession."""
        self._order("reset twice" if times == 2 else "reset")

    def arm(self, faults: Faults) -> None:
        """These faults from now on, and bytes are counted anew. For a board that is not flashed."""
        self._faults = faults
        self._line.faulty = FaultyLine(faults)

    @property
    def sent(self) -> int:
        """Bytes that the host has sent to the bootloader since the board was made or `arm`ed."""
        return self._line.faulty.sent

    @abstractmethod
    def _reset(self, twice: bool = False) -> None:
        """What comes after a reset or power on: `enter_bootloader` or `launch`."""

    def _opened(self) -> None:
        """A host has opened the port."""

    def _closed(self, touched: bool) -> None:
        """The host has closed it; `touched`: its last speed was 1200 baud."""

    def _left_by(self, data: bytes) -> bool:
        """Whether these bytes of the host made the board leave its application."""
        return False

    def enter_bootloader(self, bootloader: Bootloader) -> None:
        """The bootloader has control from now on."""
        self._power_off()
        self._bootloader = bootloader
        self.mode = "bootloader"

    def launch(self) -> None:
        """Run what is in flash."""
        self._power_off()
        if self._sensor is not None:
            self._sensor.restart()
        content = self.flash.read(self.APP, self.FLASH_BYTES - self.APP)
        self._application = Application(self._powered(content), self._sensor)
        self.mode = "application"

    def _powered(self, content: bytes) -> Chip:
        """A chip that runs what lies from `APP` on; an emulated Cortex-M4 unless it is said."""
        return Machine(content, flash_base=self.APP, app_base=self.APP, chip_id=self.chip_id)

    def baud(self) -> int:
        """The speed that the host has set, 0 without a port."""
        return self._line.baud

    def bytes_per_second(self) -> float:
        """What the bootloader's line carries at the speed that the host has set."""
        return self.baud() / START_TO_STOP or math.inf

    def to_host(self, data: bytes) -> None:
        """Send to whoever has the port open."""
        if self._paced and self.mode == "bootloader":
            now = time.monotonic()
            self._wait_for_flash(now)
            self._line.write_slowly(data, now, self.bytes_per_second())
        else:
            self._line.write(data)

    def _end(self) -> None:
        self._power_off()
        self._line.unplug()

    def _close(self) -> None:
        self.flash.close()

    def _step(self) -> None:
        poll = self._poll()
        host_there = self._line.register(poll)
        if self._application is not None:
            self._application.register(poll)
        if not self._ready(poll, self._patience(host_there)):
            return
        if self._power_back is not None and time.monotonic() >= self._power_back:
            self._power_back = None
            self._obey("plug")
            return
        if self._application is not None:
            if said := self._application.serve():
                self.to_host(said)
        elif self._bootloader is not None:
            self._serve_bootloader(self._bootloader, time.monotonic())
        self._serve_line(time.monotonic())

    def _patience(self, host_there: bool) -> float:
        patience, now = 1.0 if host_there else LOOK, time.monotonic()
        dues = [self._power_back, self._line.next_due(now)]
        if self._application is not None:
            dues.append(self._application.next_due())
        elif self._bootloader is not None:
            dues.append(self._bootloader.next_due())
        return min([patience, *(max(0.0, due - now) for due in dues if due is not None)])

    def _serve_bootloader(self, loader: Bootloader, now: float) -> None:
        if data := self._line.arrived(now):
            loader.feed(data)
            self._wait_for_flash(now)
            return  # a time-out counts from the last byte, and the loader has just had one
        due = loader.next_due()
        if due is not None and now >= due:
            loader.tick(now)

    def _wait_for_flash(self, now: float) -> None:
        """While pages are erased and written the processor hears nothing and says nothing."""
        pages = self.flash.erased_pages - self._waited_pages
        self._waited_pages += pages
        if self._paced and pages:
            self._line.hold(now, pages * self.PAGE_SECONDS)

    def _serve_line(self, now: float) -> None:
        self._line.flush(now)
        if self._line.open and not self._host_there:
            self._host_there = True
            if self.mode != "off":
                self._opened()
        # The last bytes before a close come together with it: read first, then look at the close.
        data = self._line.read()
        if data:
            self._from_host(data, now)
        elif self._line.plugged and not self._line.open:
            # A touch may begin and end between two looks; its speed stays to be seen.
            touched = self._line.take_touch()
            if touched or self._host_there:
                self._host_there = False
                if self.mode != "off":
                    self._closed(touched)

    def _from_host(self, data: bytes, now: float) -> None:
        if self.mode == "bootloader" and self._bootloader is not None:
            rate = self.bytes_per_second() if self._paced else math.inf
            loss = self._line.pass_on(data, now, rate)
            self._serve_bootloader(self._bootloader, now)
            if loss is not None:
                self._lose(loss)
        elif self.mode == "application" and not self._left_by(data) and self._application:
            self._application.send(data)

    def _lose(self, loss: Loss) -> None:
        if loss == "plug" or not self.BRIDGED:
            self._obey("unplug")
        else:
            self._power_off()
            self._line.cut()
        if self._faults.power_back_after is not None:
            self._power_back = time.monotonic() + self._faults.power_back_after

    def _obey(self, order: str) -> None:
        if order == "unplug":
            self._power_off()
            self._line.unplug()
        elif order == "plug" and not self._line.plugged:
            self._plug_line()
        elif order == "plug" and self.mode == "off":
            self._reset()
        elif order.startswith("reset") and self.mode != "off":
            self._reset(twice=order == "reset twice")

    def _plug_line(self) -> None:
        self._line.plug()
        self._host_there = False
        self._reset()

    def _power_off(self) -> None:
        if self._application is not None:
            self._application.stop()
            self._application = None
        self._bootloader = None
        self.mode = "off"
