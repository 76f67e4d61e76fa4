"""The bootloader 1.4.4 of the Himax WE-I Plus EVB: a banner, 0.3 s for a key, a menu, XMODEM.

Texts as in the strings of HimaxWiseEyePlus/bsp_tflu sign_formal_PA8530_EM9D_Bootloader.bin and the
screenshots of HIMAX_WE1_EVB_user_guide, with their trailing blanks. What is documented nowhere is
our choice: a file goes to the application's offset and is written as it comes, the harsher case for
a cut; further files of a session follow at 1024 KB each; the menu is shown again after a transfer;
the error's status is -1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from tinyops.boards.virtual.boot_check import bootable
from tinyops.boards.virtual.flash_memory import FlashMemory
from tinyops.boards.virtual.xmodem_receiver import BLOCK, XmodemReceiver

APP = 0x21000
PAGE = 4096
END = 0x200000
SLICE = 1024 * 1024
"""The largest file."""
WINDOW = 0.3
BURNING = 0.1
"""Seconds from the end of a file to the words that it is burnt. Edge Impulse's flash tool begins to
look for them only when it has read the last ACK, and drops what came with that."""

_RULE = b"-" * 60 + b"\t\r\n"
BANNER = (
    b"-" * 59
    + b"\t\r\n Himax WEI Boot loader \r\n"
    + _RULE
    + b"\r\nembARC Build Time: Jan  4 2021, 13:44:14\r\n"
    + b"Compiler Version: Metaware, 4.2.1 Compatible Clang 8.0.1 \r\n"
    + b"Boot loader Version : 1.4.4 (Date:Jan  4 2021)\r\n"
    + b"chip version : 0x8535a1 \r\n"
    + b"cpu speed : 400000000 hz\r\nspi speed : 50000000 hz\r\n"
    + b"wake up evt:4\r\n"
)
MENU = (
    _RULE + b"[0] return to bootup \r\n[1] Xmodem download and burn FW image \r\n" + _RULE + b"\r\n"
)
READY = b"Send data using the xmodem protocol from your terminal\r\n"
RECEIVED = b"Xmodem successfully received %d bytes\r\n"
BURNT = b"burn application done\r\n"
RECEIVE_ERROR = b"Xmodem receive error: status: -1\r\n"
OVERFLOW = b"burn position overflow\r\n"
LAUNCHES = b"1st APPLICATION addr[3]=21000 (main-1966)\r\n"
BOOT_FAIL = (
    b"[ERROR] memory descriptor verification fail : sec_code = 0x3\r\nBOOT_FAIL (main-2319)\r\n"
)


class HimaxBootloader:
    """Fed with the host's bytes; answers through `send`.

    Parameters
    ----------
    send
        Called with each text and answer, with the banner at once.
    launch
        Called to start an application that is whole.
    """

    def __init__(
        self, flash: FlashMemory, send: Callable[[bytes], None], launch: Callable[[], None]
    ) -> None:
        self._flash = flash
        self._send = send
        self._launch = launch
        self._state: Literal["window", "menu", "burning", "left"] = "window"
        self._due = time.monotonic() + WINDOW
        self._received_bytes = 0
        self._receiver: XmodemReceiver | None = None
        self._files = 0
        send(BANNER)

    def next_due(self) -> float | None:
        """The end of the window, of burning, or of the receiver's wait."""
        if self._receiver is not None:
            return self._receiver.next_due()
        return self._due if self._state in ("window", "burning") else None

    def tick(self, now: float) -> None:
        """A wait is over."""
        if self._receiver is not None:
            self._receiver.tick(now)
        elif self._state == "window":
            self._boot()
        elif self._state == "burning":
            self._state = "menu"
            self._send(RECEIVED % self._received_bytes + BURNT)
            self._send(MENU)

    def feed(self, data: bytes) -> None:
        """Take bytes in any pieces."""
        for at in range(len(data)):
            if self._receiver is not None:
                self._receiver.feed(data[at:])
                return
            self._press(data[at : at + 1])

    def _press(self, key: bytes) -> None:
        if self._state == "window" and key not in b"\r\n":
            self._state = "menu"
            self._send(MENU)
        elif self._state == "menu" and key == b"0":
            self._boot()
        elif self._state == "menu" and key == b"1":
            self._send(READY)
            self._receiver = XmodemReceiver(self._send, self._burn, self._received)

    def _boot(self) -> None:
        self._state = "left"
        if bootable(self._flash, APP):
            self._send(LAUNCHES)
            self._launch()
        else:
            self._send(BOOT_FAIL)

    def _burn(self, offset: int, block: bytes) -> bool:
        at = APP + self._files * SLICE + offset
        if offset >= SLICE or at + BLOCK > END:
            self._send(OVERFLOW)
            return False
        if at % PAGE == 0:
            self._flash.erase(at, PAGE)
        self._flash.write(at, block)
        return True

    def _received(self, size: int | None) -> None:
        self._receiver = None
        if size is not None:
            self._files += 1
            self._received_bytes = size
            self._state, self._due = "burning", time.monotonic() + BURNING
        else:
            self._send(RECEIVE_ERROR)
            self._send(MENU)
