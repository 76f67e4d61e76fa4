"""Images built without a compiler, sample sources and waits, for tests of virtual boards."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinyops.boards.board import Board
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import HEADER_OFFSET, Image, ImageHeader, image_crc

SLEEP = b"\x30\xbf\xfd\xe7"
"""`wfi` and a branch back to it, in Thumb. An endless loop alone would keep a host core busy."""


class Counter:
    """Frames of one channel: 256, 257, 258 …"""

    def __init__(self) -> None:
        self.next = 256

    def read(self, frames: int) -> NDArray[np.int16]:
        values = np.arange(self.next, self.next + frames, dtype=np.int16)
        self.next += frames
        return values[:, None]

    def restart(self) -> None:
        """Counts on."""


def board() -> Board:
    """The board all these tests are about."""
    return load_board("nano33ble-sense")


def idle_image(size: int = 20_000, seed: int = 0, version: str = "v1", **header: str) -> Image:
    """An image whose code sleeps for ever, followed by seeded noise. It never says HELLO."""
    kind = load_board(header.get("board", board().name))
    base = kind.flash.app_offset
    content = bytearray(random.Random(seed).randbytes(size))
    # Stack pointer, entry (Thumb), and what is there.
    content[:8] = struct.pack("<II", 0x20004000, base + 0x400 | 1)
    content[0x400:0x404] = SLEEP
    fields = {"project": "demo", "board": kind.name, "target": kind.targets[0], **header}
    unsigned = ImageHeader(
        **fields,
        version=version,
        runtime="aot",
        model_sha256="00" * 32,
        reference_tag="",
        model_bytes=0,
        arena_bytes=0,
        ram_bytes=0,
        load_address=base,
        image_size=size,
        image_crc32=0,
    )
    packed = unsigned.pack()
    content[HEADER_OFFSET : HEADER_OFFSET + len(packed)] = packed
    signed = replace(unsigned, image_crc32=image_crc(bytes(content)))
    content[HEADER_OFFSET : HEADER_OFFSET + len(packed)] = signed.pack()
    return Image(base, bytes(content), "firmware", signed)


def eventually(holds: Callable[[], bool], timeout: float = 10.0) -> bool:
    """Whether something comes true before the time is out."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
