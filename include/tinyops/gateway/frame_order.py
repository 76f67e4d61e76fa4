"""Where a frame belongs: which boot of the device, and which windows of it.

A device numbers its counted windows from 0 at each boot and sends the number modulo 65536. It is
taken to have booted when a frame says so, when the number falls back and frames were lost, so that
the first one may be among them, or when it has decided fewer windows than its frames have counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyops.boards.image import ImageHeader
from tinyops.boards.messages import Hello
from tinyops.gateway.errors import GatewayError
from tinyops.sketches.frames import (
    FIRST,
    LOST,
    FrameError,
    FrameImpossible,
    SketchFrame,
    tag_byte,
)

_NUMBERS = 1 << 16


class FrameRefused(GatewayError):
    """A frame that is not kept; the message is one of a few fixed reasons."""


@dataclass(frozen=True)
class Position:
    """The last frame that was kept of a device.

    Parameters
    ----------
    image
        CRC-32 of the image that it ran, in hexadecimal.
    epoch, window
        As in `sketches.frames.FrameRecord`.
    n
        Windows that the frame counted.
    frame
        Its bytes.
    """

    image: str
    epoch: int
    window: int
    n: int
    frame: bytes


def place(data: bytes, hello: Hello, last: Position | None, now: int) -> Position:
    """Where a frame goes, after the last one that was kept.

    Parameters
    ----------
    hello
        What the device said just before.
    now
        Unix time in seconds: the epoch, if one begins.

    Raises
    ------
    FrameRefused
        It is damaged, of another model or reference, or none that can come after `last`.
    """
    frame = _read(data)
    header = hello.image
    if (frame.model, frame.reference) != _tags(header):
        raise FrameRefused("another model or reference")
    image = f"{header.image_crc32:08x}"
    if last is None or image != last.image or hello.windows < last.window + last.n:
        return Position(image, _after(last, now), frame.window, frame.n, data)
    if data == last.frame:
        raise FrameRefused("duplicate")
    step = (frame.window - last.window) % _NUMBERS
    fell_back = step >= _NUMBERS // 2
    if frame.flags & FIRST or (fell_back and frame.flags & LOST):
        return Position(image, _after(last, now), frame.window, frame.n, data)
    if fell_back:
        raise FrameRefused("replayed or reordered")
    if step < last.n:
        raise FrameRefused("overlaps the one before")
    return Position(image, last.epoch, last.window + step, frame.n, data)


def _read(data: bytes) -> SketchFrame:
    try:
        return SketchFrame.unpack(data)
    except FrameImpossible:
        raise FrameRefused("impossible counts") from None
    except FrameError:
        raise FrameRefused("damaged") from None


def _tags(header: ImageHeader) -> tuple[int, int]:
    return bytes.fromhex(header.model_sha256)[0], tag_byte(header.reference_tag)


def _after(last: Position | None, now: int) -> int:
    return max(now, last.epoch + 1) if last else now
