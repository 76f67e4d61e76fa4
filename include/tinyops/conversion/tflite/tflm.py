"""What an image has to know of a model that TensorFlow Lite Micro runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyops.conversion.tflite.reference import Reference
from tinyops.conversion.tflite.tflm_memory import arena_bytes


@dataclass(frozen=True)
class TflmModel:
    """Sizes in bytes; `arena_bytes` is measured on this 64-bit host, an upper bound."""

    arena_bytes: int
    input_bytes: int
    outputs: int
    output_scale: float


def examine(tflite: bytes) -> TflmModel:
    """Run a canonical model once.

    Raises
    ------
    ConversionError
        TFLM refuses it; names the operator.
    """
    arena = arena_bytes(tflite)
    model = Reference(tflite)
    size = math.prod(model.input_shape)
    outputs = model.logits(np.zeros(size, np.int8)).size
    return TflmModel(arena, size, outputs, model.output_scale)
