"""Images of a tiny model, and an emulated board that has booted one."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.image_cache import build_once
from tinyops.boards.catalogue import load_board
from tinyops.boards.image import Image
from tinyops.boards.link import Hello, Link, SocketStream
from tinyops.conversion.images.build_request import BuildRequest
from tinyops.conversion.images.image import BuiltImage
from tinyops.emulation import Machine
from tinyops.frontend import Frontend, FrontendSpec
from tinyops.sketches.sketch import SketchSpec, build_sketch
from tinyops.store import sha256_hex

MODELS = Path(__file__).parent / "conversion" / "models"
WINDOW = 32
HOP = 8
CLASSES = 4
BASE = 0x10000


def windows(count: int, seed: int = 0) -> NDArray[np.int16]:
    """Random windows [count, WINDOW, 1]."""
    values = np.random.default_rng(seed).integers(-140, 140, (count, WINDOW, 1))
    return values.astype(np.int16)


@functools.cache
def sketch() -> SketchSpec:
    """What the tiny models' images count: every second window, 16 a frame."""
    inputs = windows(400, seed=9).clip(-128, 127).astype(np.int8)
    confidences = np.random.default_rng(9).integers(80, 256, len(inputs))
    return build_sketch(inputs, confidences, every=2, frame_windows=16)


def request(name: str = "tiny", board: str = "nano33ble-sense", **changes: object) -> BuildRequest:
    """What builds the image of one of the two models in tests/support/conversion/models."""
    spec = FrontendSpec("identity", WINDOW, HOP, 1, (WINDOW, 1, 1), 1.0, 0)
    tflite = (MODELS / f"{name}.tflite").read_bytes()
    content: dict[str, object] = {
        "tflite": tflite,
        "board": load_board(board),
        "target": load_board(board).targets[0],
        "frontend": Frontend(spec),
        "golden": windows(4),
        "project": "tiny_project",
        "version": "v1",
        "reference_tag": sketch().reference_tag(sha256_hex(tflite)),
        "sketch": sketch(),
    }
    return BuildRequest(**(content | changes))  # type: ignore[arg-type]


def tiny_image(name: str = "tiny", board: str = "nano33ble-sense") -> BuiltImage:
    """The image that samples by itself."""
    return build_once(request(name, board))


@contextmanager
def booted(image: Image | bytes, icount: bool = False) -> Iterator[tuple[Machine, Link, Hello]]:
    """An emulated board that has said HELLO."""
    content = image if isinstance(image, bytes) else image.bytes
    with Machine(content, BASE, BASE, icount=icount) as machine:
        link = Link(SocketStream(machine.uart0))
        yield machine, link, link.boot_hello(30)
