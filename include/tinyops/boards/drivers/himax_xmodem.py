"""The driver of the Himax WE-I Plus EVB: a finger on RESET, a menu, and the image by XMODEM.

Nothing can be read back: the evidence is the CRC of each block, `burn application done`, and that
the bootloader finds the image good when it starts it. Texts and order of steps from
edgeimpulse/edge-impulse-cli cli/himax-flash-tool and HimaxWiseEyePlus/bsp_tflu
HIMAX_WE1_EVB_user_guide. What the bootloader does after a transfer that was broken off is
documented nowhere: should it burn the next one to a wrong place, then `BOOT_FAIL` tells, and the
next try begins with RESET.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from tinyops.boards.board import Board
from tinyops.boards.errors import BoardSilent, FlashFailed, PortLost, WrongAnswer
from tinyops.boards.flash_report import Ask, FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.boards.link import crc16
from tinyops.boards.transport import SerialPort

SLICE = 1024 * 1024
"""Most bytes of one file; a longer image goes in several, one after the other in one session."""
BLOCK = 128
RESET_WAIT = 60.0
"""Seconds that a person has to press RESET; edge-impulse-cli waits as long."""
LOOK = 0.5
"""How often `progress` is called meanwhile, so that it can end the wait."""
# These three as edge-impulse-cli has them.
ANSWER = 1.0
BURN_WAIT = 10.0
BOOT_WAIT = 10.0
SETTLE = 0.3
"""From a cancelled transfer to the menu, and for a menu that may not be there to answer."""
BLOCK_WAIT = 3.0
MENU_TRIES = 3
BLOCK_TRIES = 8
TRANSFERS = 3
"""How often a slice is begun, at most."""

# The end of the banner, which a window of 0.3 s follows: any key but Enter opens the menu.
WOKEN = b"wake up evt:4"
BANNER = re.compile(rb"(?:Boot loader Version : (\S+).*)?" + WOKEN, re.DOTALL)
MENU = re.compile(rb"Xmodem download and burn")
READY = re.compile(rb"Send data using the xmodem protocol from your terminal|" + WOKEN)
BURNT = re.compile(rb"burn application done")
BOOTED = re.compile(rb"1st APPLICATION|BOOT_FAIL")
BURN, BOOT = b"1", b"0"

CALL = re.compile(rb"C")
ACK, NAK, CANCEL = b"\x06", b"\x15", b"\x18\x18"
REPLY = re.compile(rb"[\x06\x15]|\x18\x18|Xmodem receive error|" + WOKEN)

HINT = "press RESET and try again; another USB cable may help"
AGAIN = "flash again and press RESET when, and only when, you are asked to"


@dataclass
class _Bootloader:
    """The bootloader's end of the port, and what came from it."""

    port: SerialPort
    version: str = ""
    retries: int = 0
    _input: bytes = b""
    _called: bool = False
    _in_step: bool = False
    _dropped: bytes = b""

    def in_menu(self) -> bool:
        """Whether nobody has to press RESET: an earlier session was left in the menu.

        An application gets three stray bytes by this.
        """
        self._cancel()
        try:
            self._request(1, SETTLE)
        except BoardSilent:
            return False
        self._cancel()
        return True

    def enter(self, idle: Callable[[], None]) -> None:
        """Open the menu once RESET has been pressed."""
        deadline = time.monotonic() + RESET_WAIT
        problem = "nobody pressed RESET"
        while banner := self._await_reset(BANNER, deadline, idle):
            self.version = (banner[1] or b"").decode(errors="replace")
            self.port.write(BURN)
            if self._expect(MENU, ANSWER):
                return
            problem = "the bootloader took no key"
        raise BoardSilent(f"{self.port.path}: {problem} within {RESET_WAIT:g} s", AGAIN)

    def burn(self, data: bytes, progress: Callable[[int], None]) -> None:
        """Send one slice, from its beginning again if need be; `progress` gets bytes of it."""
        for attempt in range(1, TRANSFERS + 1):
            try:
                self._request(MENU_TRIES, ANSWER)
                self._send(data, progress)
                return
            except (BoardSilent, FlashFailed):
                self._cancel()
                if attempt == TRANSFERS:
                    raise
                self.retries += 1
            except BaseException:
                with contextlib.suppress(PortLost):
                    self._cancel()
                raise

    def start(self, ask: Callable[[], None], idle: Callable[[], None]) -> None:
        """Start the application; `ask` for RESET only when the menu cannot do it."""
        self.port.write(BOOT)
        log = self._expect(BOOTED, BOOT_WAIT)
        if log is None:
            ask()
            log = self._await_reset(BOOTED, time.monotonic() + RESET_WAIT, idle)
        if log is None:
            raise BoardSilent(
                f"{self.port.path}: no boot log within {RESET_WAIT:g} s",
                "press RESET to start what was burnt, or flash again",
            )
        if log[0] == b"BOOT_FAIL":
            raise FlashFailed(
                f"{self.port.path}: BOOT_FAIL, the bootloader refuses what was burnt",
                f"{AGAIN}; if it fails again, build the image again",
            )

    def _request(self, tries: int, wait: float) -> None:
        for _ in range(tries):
            self.port.write(BURN)
            heard = self._expect(READY, wait)
            # After a second press of RESET the same key opens the menu first.
            if heard and heard[0] != WOKEN:
                return
        raise BoardSilent(f"{self.port.path}: the boot menu does not answer", HINT)

    def _send(self, data: bytes, progress: Callable[[int], None]) -> None:
        from xmodem import XMODEM

        acknowledged = 0

        def count(sent: int, good: int, errors: int) -> None:
            nonlocal acknowledged
            if good == acknowledged:
                self.retries += 1
            else:
                acknowledged = good
                progress(good * BLOCK)

        self._called, self._in_step, self._dropped = False, False, b""
        modem = XMODEM(self._get, self._put)
        # xmodem 0.5.0 has a CRC in Python, byte by byte: more work than all the rest of a block.
        modem.calc_crc = crc16
        # Repetitions are in the report; xmodem 0.5.0 logs each of them as an error.
        modem.log.setLevel(logging.CRITICAL)
        whole = modem.send(io.BytesIO(data), BLOCK_TRIES, BLOCK_WAIT, quiet=True, callback=count)
        if not whole:
            raise FlashFailed(f"{self.port.path}: a block was refused {BLOCK_TRIES} times", HINT)
        if not self._expect(BURNT, BURN_WAIT):
            raise FlashFailed(f"{self.port.path}: received, but not burnt", HINT)

    def _get(self, size: int, timeout: float = ANSWER) -> bytes | None:
        """One reply. A C after the first is none: xmodem 0.5.0 would send its block twice.

        Nor does xmodem 0.5.0 end when it is cancelled while it sends.
        """
        reply = self._expect(REPLY if self._called else CALL, timeout)
        # The banner may have come in between two blocks, and be dropped in part.
        if WOKEN in self._dropped + self._input or (reply and reply[0] == WOKEN):
            raise WrongAnswer(f"{self.port.path}: the board restarted during the transfer", AGAIN)
        self._in_step = reply is not None and reply[0] == ACK
        if reply is None:
            return None
        if reply[0] in (ACK, NAK, b"C"):
            return reply[0]
        raise FlashFailed(f"{self.port.path}: the bootloader cancelled the transfer", HINT)

    def _put(self, data: bytes, timeout: float = ANSWER) -> int:
        # What came before a block is no answer to it: were it taken for one, every later answer
        # would be counted for the block after. Behind an ACK it has been read with it: to ask
        # once more takes a tenth of a block's time on a pseudo-terminal (Linux 6.18).
        self._called = True
        if stray := self._input + (b"" if self._in_step else self.port.drain(0.0)):
            self._dropped = (self._dropped + stray)[-len(WOKEN) * 2 :]
            self._input = b""
        self.port.write(bytes(data))
        return len(data)

    def _cancel(self) -> None:
        self._input = b""
        self.port.write(CANCEL)
        self._expect(MENU, SETTLE)

    def _await_reset(
        self, pattern: re.Pattern[bytes], deadline: float, idle: Callable[[], None]
    ) -> re.Match[bytes] | None:
        while (left := deadline - time.monotonic()) > 0:
            idle()
            if found := self._expect(pattern, min(left, LOOK)):
                return found
        return None

    def _expect(self, pattern: re.Pattern[bytes], timeout: float) -> re.Match[bytes] | None:
        """Read up to the end of the next match; None when there is none in time."""
        deadline = time.monotonic() + timeout
        if not self._input:
            self._input = self.port.read(4096, timeout)
        while True:
            if found := pattern.search(self._input):
                self._input = self._input[found.end() :]
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._input = (self._input + self.port.read(4096, left))[-4096:]


def flash(port: str, image: Image, board: Board, progress: Progress, ask: Ask) -> FlashReport:
    """Write an image that `admission.check` has accepted; see there for errors.

    `ask` is called once the port is open, unless the bootloader is in its menu already.
    """
    started = time.monotonic()
    total = len(image.bytes)
    press = f"press RESET on the {board.title} at {port}"
    with SerialPort(port, board.protocol.baud) as serial:
        loader = _Bootloader(serial)
        if not loader.in_menu():
            ask(press)
            loader.enter(lambda: progress(0, total))
        for base in range(0, total, SLICE):
            progress(base, total)
            loader.burn(
                image.bytes[base : base + SLICE],
                lambda done, base=base: progress(min(base + done, total), total),  # type: ignore[misc]
            )
        loader.start(
            lambda: ask(f"{press} once more: that starts the application"),
            lambda: progress(total, total),
        )
    return FlashReport(
        board=board.name,
        port=port,
        pages=-(-total // board.flash.page_bytes),
        bytes=total,
        retries=loader.retries,
        seconds=time.monotonic() - started,
        bootloader=f"Himax WEI Boot loader {loader.version}".strip(),
    )


def probe(port: str, board: Board, ask: Ask) -> str:
    """What the bootloader says of itself; nothing is written, and the application starts again."""
    with SerialPort(port, board.protocol.baud) as serial:
        loader = _Bootloader(serial)
        ask(f"press RESET on the {board.title} at {port}")
        loader.enter(lambda: None)
        serial.write(BOOT)
    return f"Himax WEI Boot loader {loader.version}".strip()
