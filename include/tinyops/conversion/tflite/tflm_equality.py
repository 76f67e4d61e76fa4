"""Whether TensorFlow Lite Micro computes the same with two models."""

from __future__ import annotations

import numpy as np

from tinyops.conversion.tflite.check_inputs import as_type, check_inputs
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.reference import Reference


def require_equal_in_tflm(tflite: bytes, rewritten: bytes) -> None:
    """Refuse a rewrite that changes a byte of an output; ConversionError also if TFLM refuses."""
    old, new = Reference(tflite), Reference(rewritten)
    for number, values in enumerate(check_inputs(new.input_shape)):
        fed = as_type(values, new.input_dtype, 1 / 64, 0)
        if not np.array_equal(old.logits(fed), new.logits(fed)):
            raise ConversionError(
                f"the rewritten model differs from the original on check input {number}",
                "report the model; the rewrite is wrong for it",
            )
