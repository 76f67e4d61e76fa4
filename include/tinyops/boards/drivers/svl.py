"""The driver of boards with SparkFun's variable loader (SVL), such as the SparkFun Edge 2.

The bootloader listens for 200 ms after each reset, writes what it is sent from 0x10000 on and keeps
no account of where it is: an answer that cannot be read leaves open whether a frame was written,
and then everything begins anew with a reset. It offers no verification but a CRC for each frame:
what the board runs is known only after it has attested.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from tinyops.boards.board import Board
from tinyops.boards.drivers.svl_packet import (
    AUTOBAUD,
    BAUDS,
    BOOTLOAD,
    DONE,
    FRAME,
    FRAME_BYTES,
    NEXT,
    RETRY,
    VERSION,
    Unpacker,
    packet,
)
from tinyops.boards.errors import BoardError, BoardSilent, FlashFailed, WrongAnswer
from tinyops.boards.flash_report import Ask, FlashReport, Progress
from tinyops.boards.image import Image
from tinyops.boards.transport import SerialPort

SESSIONS = 6
"""Resets, at most; later ones at lower speeds, which poor cables carry."""
GREETINGS = 3
"""Likewise, where nothing is to be written: a busy host misses the 200 ms now and then."""
FRAME_TRIES = 8
RELEASE = 0.3
"""Between two sessions DTR stays released, so that its capacitor can pull RESET again."""
SETTLE = 0.15
"""From the reset to the autobaud byte. svl.py waits as long; the board listens for 200 ms."""
GREETING = 0.5
ANSWER = 3.0
"""Erasing 8 KB takes at most 100 ms; a board that misses bytes asks again after 677 ms."""
HINT = "press RESET; check that the adapter is one for 3.3 V and has DTR connected"


@dataclass
class _Session:
    """One session with the bootloader, from a reset on."""

    port: SerialPort
    retries: int = 0

    def __post_init__(self) -> None:
        self._unpacker = Unpacker()

    def greet(self) -> int:
        """Its version. Without another word it soon starts its application."""
        time.sleep(SETTLE)
        self.port.drain(0.0)
        self.port.write(AUTOBAUD)
        command, payload = self._answer(GREETING, junk=True)
        if command != VERSION or len(payload) != 1:
            raise WrongAnswer(f"{self.port.path}: {_named(command)} instead of a version", HINT)
        return payload[0]

    def begin(self) -> None:
        """Have it take frames."""
        self._send(packet(BOOTLOAD))

    def frame(self, payload: bytes) -> None:
        """One frame, as often as the board asks for it."""
        self._send(packet(FRAME, payload))

    def done(self) -> None:
        """Start the application. The board answers nothing."""
        self.port.write(packet(DONE))
        self.port.flush()

    def _send(self, data: bytes) -> None:
        for attempt in range(FRAME_TRIES):
            self.port.write(data)
            command, _ = self._answer(ANSWER)
            if command == NEXT:
                self.retries += attempt
                return
            if command != RETRY:
                raise WrongAnswer(f"{self.port.path}: {_named(command)} after a frame", HINT)
        raise FlashFailed(
            f"{self.port.path}: a frame was asked for again {FRAME_TRIES} times",
            "try a shorter cable; if it stays so, the board's flash is worn",
        )

    def _answer(self, timeout: float, junk: bool = False) -> tuple[int, bytes]:
        deadline = time.monotonic() + timeout
        greeting = packet(VERSION, b"\0")[:3]
        heard = bytearray()
        while (left := deadline - time.monotonic()) > 0:
            data = self.port.read(4096, left)
            if junk:
                # The line blips when the board starts its UART.
                heard += data
                at = heard.find(greeting)
                data = bytes(heard[at:]) if at >= 0 else b""
                junk = at < 0
            self._unpacker.feed(data)
            try:
                found = self._unpacker.next()
            except ValueError as error:
                raise WrongAnswer(f"{self.port.path}: {error}", HINT) from None
            if found is not None:
                return found
        raise BoardSilent(f"{self.port.path}: no answer within {timeout:g} s", HINT)


def flash(port: str, image: Image, board: Board, progress: Progress, ask: Ask) -> FlashReport:
    """Write an image that `admission.check` has accepted; see there for errors."""
    started = time.monotonic()
    content = image.bytes + b"\xff" * (-len(image.bytes) % 4)
    frames = [content[at : at + FRAME_BYTES] for at in range(0, len(content), FRAME_BYTES)]
    retries, problem = 0, ""
    for session, baud in enumerate(_speeds(board.protocol.baud)):
        if session:
            time.sleep(RELEASE)
        # Opening the port pulls DTR, which resets the board.
        with SerialPort(port, baud) as serial:
            loader = _Session(serial)
            try:
                version = loader.greet()
                loader.begin()
                for done, frame in enumerate(frames):
                    progress(done * FRAME_BYTES, len(content))
                    loader.frame(frame)
                progress(len(content), len(content))
                loader.done()
            except (BoardSilent, WrongAnswer) as error:
                problem, retries = error.message, retries + loader.retries + 1
                if session == 0:
                    ask(f"if {port} does not answer, press RESET on the {board.title}")
                continue
        return FlashReport(
            board=board.name,
            port=port,
            pages=-(-len(content) // board.flash.page_bytes),
            bytes=len(image.bytes),
            retries=retries + loader.retries,
            seconds=time.monotonic() - started,
            bootloader=f"SVL {version}",
        )
    raise BoardSilent(f"{problem}; {SESSIONS} resets", HINT)


def probe(port: str, board: Board, ask: Ask) -> str:
    """What the bootloader says of itself; nothing is written, and the application starts again."""
    problem = ""
    for session in range(GREETINGS):
        if session:
            time.sleep(RELEASE)
        with SerialPort(port, board.protocol.baud) as serial:
            try:
                return f"SVL {_Session(serial).greet()}"
            except (BoardSilent, WrongAnswer) as error:
                problem = error.message
    raise BoardSilent(f"{problem}; {GREETINGS} resets", HINT)


def _speeds(baud: int) -> list[int]:
    """The baud rate of each session: half of them at the board's own, then slower and slower."""
    if baud not in BAUDS:
        raise BoardError(f"SVL knows no {baud} baud", f"use one of {', '.join(map(str, BAUDS))}")
    slower = [rate for rate in reversed(BAUDS) if rate < baud] or [baud]
    own = SESSIONS // 2
    return [baud] * own + (slower * SESSIONS)[: SESSIONS - own]


def _named(command: int) -> str:
    names = ("VERSION", "BL", "NEXT", "FRAME", "RETRY", "DONE")
    return names[command - 1] if 1 <= command <= len(names) else f"command {command}"
