"""SparkFun's variable loader, version 6, as bootloader/src/main.c of Apollo3_Uploader_SVL behaves.

It listens for 200 ms after a reset and then starts whatever is at 0x10000, without a look at it.
Frames carry no address. Nothing can be read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from tinyops.boards.drivers.svl_packet import (
    AUTOBAUD,
    BAUDS,
    BOOTLOAD,
    DONE,
    FRAME,
    NEXT,
    RETRY,
    VERSION,
    Unpacker,
    packet,
)
from tinyops.boards.virtual.flash_memory import FlashMemory

APP = 0x10000
END = 0x100000
PAGE = 8192
SVL_VERSION = 6
LISTEN = 0.2
WAIT = 0.5
PAUSE = 0.177
BLIP = b"\0"
"""Byte on the line at a reset: svl.py 1.7 drops it ("startup blip") before it sends the autobaud
byte, and then takes the next two bytes for the length of the version packet."""


class SvlBootloader:
    """Fed with the host's bytes; answers through `send`.

    Parameters
    ----------
    send
        Called with each reply.
    launch
        Called to start the application.
    restart
        Called by DONE: a software reset.
    baud
        Gives the speed that the host has set now.
    app
        Where the application starts in flash.
    """

    def __init__(
        self,
        flash: FlashMemory,
        send: Callable[[bytes], None],
        launch: Callable[[], None],
        restart: Callable[[], None],
        baud: Callable[[], int],
        app: int = APP,
    ) -> None:
        self._flash = flash
        self._send = send
        self._launch = launch
        self._restart = restart
        self._baud = baud
        self._state: Literal["listening", "greeted", "loading", "pausing"] = "listening"
        self._due = time.monotonic() + LISTEN
        self._unpacker = Unpacker()
        self._address = app
        # A pty tells late that it was opened: where the host has already spoken, the blip is past.
        self._blip = time.monotonic()

    def next_due(self) -> float:
        """The end of the wait that it is in; it always is in one."""
        return self._blip or self._due

    def tick(self, now: float) -> None:
        """A wait is over."""
        if self._blip:
            self._blip = 0.0
            self._send(BLIP)
        elif self._state in ("listening", "greeted"):
            # That it gives up after a greeting without an answer is inferred, not read.
            self._launch()
        elif self._state == "loading":
            self._pause(now)
        else:
            self._unpacker.clear()
            self._state = "loading"
            self._reply(RETRY)

    def feed(self, data: bytes) -> None:
        """Take bytes in any pieces."""
        self._blip = 0.0
        if self._state == "listening":
            at = data.find(AUTOBAUD)
            if at < 0 or self._baud() not in BAUDS:
                return
            self._state = "greeted"
            self._reply(VERSION, bytes((SVL_VERSION,)))
            data = data[at + 1 :]
        if self._state == "pausing":
            return  # flushed when the pause is over
        self._unpacker.feed(data)
        try:
            while (found := self._unpacker.next()) is not None:
                self._take(*found)
        except ValueError:
            self._pause(time.monotonic())

    def _take(self, command: int, payload: bytes) -> None:
        if self._state == "greeted":
            if command == BOOTLOAD:
                self._state = "loading"
                self._reply(NEXT)
        elif command == DONE:
            self._unpacker.clear()
            self._restart()
        elif command == FRAME and self._written(payload):
            self._reply(NEXT)
        else:
            raise ValueError("asked for again")

    def _written(self, payload: bytes) -> bool:
        if len(payload) % 4 or self._address + len(payload) > self._flash.size:
            return False
        for at in range(self._address, self._address + len(payload), 4):
            if at % self._flash.page == 0:
                self._flash.erase(at, self._flash.page)
        self._flash.write(self._address, payload)
        self._address += len(payload)
        return True

    def _pause(self, now: float) -> None:
        if self._state == "greeted":
            return  # its wait ends in the application
        self._state, self._due = "pausing", now + PAUSE

    def _reply(self, command: int, payload: bytes = b"") -> None:
        self._due = time.monotonic() + WAIT
        self._send(packet(command, payload))
