"""What TensorFlow Lite Micro needs for a model, measured on this host."""

from __future__ import annotations

import re

from tinyops.conversion.tflite.confined import Confined
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.tflm_interpreter import RUNTIME


def arena_bytes(tflite: bytes) -> int:
    """The arena that its recorder counts, on a 64-bit host: an upper bound for 32 bits.

    Raises
    ------
    ConversionError
        TFLM refuses the model, or falls over it; names the operator.
    """
    child = Confined(RUNTIME, "tinyops.conversion.tflite.tflm_interpreter:TflmInterpreter", tflite)
    child.call("allocations")
    found = re.search(r"Arena allocation total (\d+) bytes", child.log())
    child.close()
    if found is None:
        raise ConversionError(f"{RUNTIME} has recorded no arena", "use the locked tflite_micro")
    return int(found[1])
