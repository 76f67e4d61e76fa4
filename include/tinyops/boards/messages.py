"""What the device says, as dataclasses. The one definition is firmware/link/link.h."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyops.boards.image import HEADER_SIZE, ImageHeader, unpack_header
from tinyops.errors import TinyOpsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELLO = 0x01
SELFTEST = 0x02
DATA = 0x03
INFER = 0x04
DECISION = 0x05
FRAME = 0x06
OUTPUT = 0x07
REPLY = 0x80
FAULT = 0xFE
ERROR = 0xFF

INFER_WINDOW = 1
INFER_RESET = 2
FRAME_ACKNOWLEDGE = 1
FRAME_PARTIAL = 2
MAX_CLASSES = 32
SENSOR_REQUEST = 0x53

ERROR_TEXTS = {
    1: "unreadable frame",
    2: "no such request",
    3: "the body has the wrong size",
    4: "a value is out of range",
}
NO_CLASS = 255

_CHIP_ID_BYTES = 8
_HELLO = struct.Struct(f"<10I6B{_CHIP_ID_BYTES}s")
_SELFTEST = struct.Struct("<BBII")
_INFER = struct.Struct("<II")
_DECISION = struct.Struct("<IIBB")
_FAULT = struct.Struct("<BIII")
_FRAME_REQUEST = struct.Struct("<HB")
_SKETCH_BYTES = 48
HELLO_SIZE = HEADER_SIZE + _HELLO.size


class MessageError(TinyOpsError):
    """A reply whose size or content is not what the link's definition says."""


@dataclass(frozen=True)
class Hello:
    """Who the device is, whether its image is whole, and what it has counted since boot.

    `window` 0 means that the device does not sample by itself; `last_class` None means that it has
    decided nothing yet. Sizes in bytes; `confidence` 0 to 255 in 1/256. `chip_id` is the chip's own
    number in hexadecimal; empty where it has none.
    """

    image: ImageHeader
    boot_crc32: int
    input_bytes: int
    feature_bytes: int
    parameters_sequence: int
    windows: int
    stack_bytes: int
    bad_frames: int
    window: int
    hop: int
    outputs: int
    channels: int
    golden: int
    boot_ok: bool
    faults: int
    last_class: int | None
    confidence: int
    chip_id: str

    @classmethod
    def parse(cls, body: bytes) -> Hello:
        """From the body of a HELLO reply."""
        _expect("HELLO", len(body) == HELLO_SIZE, body)
        *numbers, golden, ok, faults, last, confidence, chip = _HELLO.unpack_from(body, HEADER_SIZE)
        # A damaged image must be able to say so (`boot_ok`), whatever its names are now.
        header = unpack_header(body, reported=True)
        chip_id = chip.hex() if any(chip) else ""
        return cls(*[header, *numbers, golden, ok == 1, faults, _class(last), confidence, chip_id])


def announced_outputs(reply: bytes, request: int) -> tuple[int, int]:
    """(outputs that an INFER or SELFTEST reply carries, outputs that it announces)."""
    name, layout = ("INFER", _INFER) if request == INFER else ("SELFTEST", _SELFTEST)
    _expect(name, len(reply) >= layout.size, reply)
    return len(reply) - layout.size, int(layout.unpack_from(reply)[-1])


@dataclass(frozen=True)
class SelfTest:
    """Golden windows run on the device; `crc32` is over the nonce and the flashed image."""

    golden: int
    passed: int
    crc32: int
    outputs: bytes
    """The logits, int8, one window after the other."""

    @property
    def logits(self) -> NDArray[np.int8]:
        """int8 [golden, outputs]"""
        return _int8(self.outputs).reshape(self.golden, -1 if self.golden else 0)

    @classmethod
    def parse(cls, body: bytes) -> SelfTest:
        """From the body of a SELFTEST reply and the outputs that followed it."""
        _expect("SELFTEST", len(body) >= _SELFTEST.size, body)
        golden, passed, crc, size = _SELFTEST.unpack_from(body)
        outputs = body[_SELFTEST.size :]
        whole = len(outputs) == size and (size % golden == 0 if golden else not size)
        _expect("SELFTEST", whole, body)
        return cls(golden, passed, crc, outputs)


@dataclass(frozen=True)
class Inference:
    """One inference: counter ticks it took, and its logits."""

    ticks: int
    outputs: bytes

    @property
    def logits(self) -> NDArray[np.int8]:
        """int8 [outputs]"""
        return _int8(self.outputs)

    @classmethod
    def parse(cls, body: bytes) -> Inference:
        """From the body of an INFER reply and the outputs that followed it."""
        _expect("INFER", len(body) >= _INFER.size, body)
        ticks, outputs = _INFER.unpack_from(body)
        _expect("INFER", len(body) == _INFER.size + outputs, body)
        return cls(ticks, body[_INFER.size :])


@dataclass(frozen=True)
class Decision:
    """What the device has decided from its own sensor since boot; `ticks` of the board's counter
    is how long the last window took, from its samples to its counts."""

    windows: int
    ticks: int
    last_class: int | None
    confidence: int
    counts: tuple[int, ...]

    @classmethod
    def parse(cls, body: bytes) -> Decision:
        """From the body of a DECISION reply."""
        size = len(body) - _DECISION.size
        _expect("DECISION", size >= 0 and size % 4 == 0 and size <= 4 * MAX_CLASSES, body)
        windows, ticks, last, confidence = _DECISION.unpack_from(body)
        counts = struct.unpack_from(f"<{size // 4}I", body, _DECISION.size)
        return cls(windows, ticks, _class(last), confidence, counts)


def frame_request(acknowledged: int | None, partial: bool) -> bytes:
    """The body of a FRAME request; see `Link.frame`."""
    options = FRAME_PARTIAL if partial else 0
    if acknowledged is None:
        return _FRAME_REQUEST.pack(0, options)
    return _FRAME_REQUEST.pack(acknowledged, options | FRAME_ACKNOWLEDGE)


def parse_frame(body: bytes) -> bytes | None:
    """The sketch of a FRAME reply as it came, or None when the device has none."""
    _expect("FRAME", len(body) in (0, _SKETCH_BYTES), body)
    return body or None


@dataclass(frozen=True)
class Fault:
    """A fault of the processor, reported just before the device resets itself."""

    vector: int
    status: int
    address: int
    pc: int

    @classmethod
    def parse(cls, body: bytes) -> Fault:
        """From the body of a FAULT frame."""
        _expect("FAULT", len(body) == _FAULT.size, body)
        return cls(*_FAULT.unpack(body))

    def __str__(self) -> str:
        return (
            f"FAULT {self.vector} at pc {self.pc:#010x}, "
            f"address {self.address:#010x}, status {self.status:#010x}"
        )


def _class(value: int) -> int | None:
    return None if value == NO_CLASS else value


def _int8(values: bytes) -> NDArray[np.int8]:
    # 14 MB that a gateway, which compares checksums only, can do without.
    import numpy as np

    return np.frombuffer(values, np.int8)


def _expect(name: str, right: bool, body: bytes) -> None:
    if not right:
        raise MessageError(
            f"{name} reply of {len(body)} bytes is not what this version expects",
            "use the release of TinyOps that built the device's image",
        )
