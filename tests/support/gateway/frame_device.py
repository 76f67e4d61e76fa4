"""A scripted device on a pseudo-terminal: it speaks the link and sends the frames it is told to.

There is no chip and no firmware in it. It keeps frames and drops them as firmware/monitor does.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tinyops.boards import messages
from tinyops.boards.frames import Decoder, Frame, crc16, encode
from tinyops.boards.image import ImageHeader
from tinyops.boards.virtual.pty_line import PtyLine
from tinyops.sketches.frames import SketchFrame, tag_byte, window_of

NO_SUCH_REQUEST = 2
HEADER = ImageHeader(
    project="demo",
    version="v1",
    board="nano33ble-sense",
    target="nano33ble-sense-qemu-virtual",
    runtime="aot",
    model_sha256="5a" * 32,
    reference_tag="0123456789ab",
    model_bytes=1,
    arena_bytes=1,
    ram_bytes=1,
    load_address=0x10000,
    image_size=1,
    image_crc32=0xDEADBEEF,
)


class ScriptedDevice:
    """Runs in the block; `ring` holds the frames that it has, oldest first."""

    def __init__(self, link: Path, header: ImageHeader) -> None:
        self.ring: list[bytes] = []
        self.windows = 1_000_000
        self.chip_id = bytes(8)
        self.knows_frames = True
        self.asked = 0
        self.slow = False
        """Answers wait as long as this is set."""
        self.noise = b""
        """Sent unasked, once."""
        self.line = PtyLine(link)
        self._header = header
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unplug()

    def unplug(self) -> None:
        """The port vanishes; harmless twice."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread.join()
            self.line.close()

    def _run(self) -> None:
        decoder = Decoder()
        answers = b""
        while not self._stopping.is_set():
            for frame in decoder.feed(self.line.read()):
                kind, body = self._answer(frame)
                answers += encode(Frame(kind, frame.sequence, body))
            if self.noise:
                self.line.write(self.noise)
                self.noise = b""
            if answers and not self.slow:
                self.line.write(answers)
                answers = b""
            self.line.flush()
            time.sleep(0.005)

    def _answer(self, frame: Frame) -> tuple[int, bytes]:
        reply = frame.type | messages.REPLY
        if frame.type == messages.HELLO:
            return reply, self._hello()
        if frame.type == messages.DECISION:
            return reply, bytes(messages._DECISION.size)
        if frame.type == messages.FRAME:
            self.asked += 1
            if self.knows_frames:
                return reply, self._frame(*messages._FRAME_REQUEST.unpack(frame.body))
        return messages.ERROR, bytes((frame.type, NO_SUCH_REQUEST))

    def _hello(self) -> bytes:
        sizes = (0, 0, 0, 0, self.windows, 0, 0)
        return self._header.pack() + messages._HELLO.pack(
            *sizes, 0, 0, 0, 1, 1, 1, 0, 255, 0, self.chip_id
        )

    def _frame(self, acknowledged: int, options: int) -> bytes:
        if options & messages.FRAME_ACKNOWLEDGE:
            for age, data in enumerate(self.ring):
                if len(data) >= 5 and window_of(data) == acknowledged:
                    del self.ring[: age + 1]
                    break
        return self.ring[0] if self.ring else b""


def frame(header: ImageHeader, window: int, flags: int = 0, n: int = 16, **change: int) -> bytes:
    """A frame that a device with this image might send."""
    made = SketchFrame(
        model=bytes.fromhex(header.model_sha256)[0],
        reference=tag_byte(header.reference_tag),
        window=window % 65536,
        n=n,
        flags=flags,
        histograms=((n, *[0] * 7),) * 3,
        out_of_range=(0, 0, 0),
        confidence=(*[0] * 7, n),
        classes=(0, n, *[0] * 6),
    )
    return replace(made, **change).pack()  # type: ignore[arg-type]


def resealed(data: bytes, at: int, value: int) -> bytes:
    """The same frame with another byte and a right CRC."""
    body = bytearray(data[:-2])
    body[at] = value
    return bytes(body) + crc16(bytes(body)).to_bytes(2, "little")
