"""The factory parameter block: what a device may be told later without a new image."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.errors import ConversionError
from tinyops.sketches.sketch import SketchSpec

MAGIC = b"TPRM"
FORMAT = 2
MAX_CLASSES = 32
ONE_Q15 = 1 << 15
_STRUCT = struct.Struct(f"<4sHHI32s32s{MAX_CLASSES}h256H")
_SKETCH = struct.Struct("<21i3i3i7BBH")
SIZE = _STRUCT.size + _SKETCH.size + 4


@dataclass(frozen=True)
class ParameterBlock:
    """The block, field by field as in firmware/app/parameters.h.

    Parameters
    ----------
    output_scale
        Of the int8 logits, per step.
    temperature
        Divides the logits before the softmax; above 1 makes the device less sure.
    class_offset
        Added to each class's logit, in steps of the int8 output.
    sketch
        How windows are counted; without one none are.
    """

    model_sha256: str
    reference_tag: str
    output_scale: float
    temperature: float = 1.0
    class_offset: tuple[int, ...] = ()
    sequence: int = 1
    sketch: SketchSpec | None = None

    def pack(self) -> bytes:
        """The block's bytes.

        Raises
        ------
        ConversionError
            Too many classes, or a temperature that is not above 0.
        """
        if len(self.class_offset) > MAX_CLASSES:
            raise ConversionError(f"{len(self.class_offset)} class offsets, at most {MAX_CLASSES}")
        offsets = [*self.class_offset, *[0] * (MAX_CLASSES - len(self.class_offset))]
        data = _STRUCT.pack(
            MAGIC,
            FORMAT,
            SIZE,
            self.sequence,
            bytes.fromhex(self.model_sha256),
            self.reference_tag.encode()[:31],
            *offsets,
            *exponent_table(self.output_scale, self.temperature),
        )
        data += _pack_sketch(self.sketch) if self.sketch else bytes(_SKETCH.size)
        return data + struct.pack("<I", zlib.crc32(data))


def _pack_sketch(sketch: SketchSpec) -> bytes:
    return _SKETCH.pack(
        *sketch.edges.ravel(),
        *sketch.low,
        *sketch.high,
        *sketch.confidence_edges,
        sketch.frame_windows,
        sketch.every,
    )


def exponent_table(output_scale: float, temperature: float = 1.0) -> list[int]:
    """exp(-steps * scale / temperature) for 0 to 255 steps below the highest logit, in Q15."""
    if not temperature > 0:
        raise ConversionError(f"temperature {temperature} is not above 0", "use 1.0")
    return [round(ONE_Q15 * math.exp(-n * output_scale / temperature)) for n in range(256)]


def confidences_q8(
    logits: NDArray[np.int8], table: list[int], offsets: tuple[int, ...] = ()
) -> NDArray[np.int64]:
    """The device's arithmetic [n] for logits [n, classes]: share of the highest class among all, in
    1/256, at most 255."""
    values = logits.astype(np.int64)
    values[:, : len(offsets)] += np.array(offsets, np.int64)
    steps = np.minimum(values.max(axis=1, keepdims=True) - values, 255)
    return np.minimum((table[0] << 8) // np.array(table)[steps].sum(axis=1), 255)
