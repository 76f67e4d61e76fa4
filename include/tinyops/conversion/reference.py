"""What a model should compute: TensorFlow Lite Micro on this host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.errors import ConversionError


class Reference:
    """A model in TFLM's interpreter.

    Raises
    ------
    ConversionError
        TFLM refuses the model.
    """

    def __init__(self, tflite: bytes) -> None:
        from tflite_micro import runtime

        try:
            self._interpreter: Any = runtime.Interpreter.from_bytes(tflite)
            details = self._interpreter.get_input_details(0)
        except (RuntimeError, ValueError) as error:
            raise ConversionError(
                f"TensorFlow Lite Micro refuses the model: {error}", "use operators that it has"
            ) from None
        self.input_shape: tuple[int, ...] = tuple(int(size) for size in details["shape"])

    @property
    def output_scale(self) -> float:
        """Of the int8 logits, per step."""
        parameters = self._interpreter.get_output_details(0)["quantization_parameters"]
        return float(parameters["scales"][0])

    def logits(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """int8 [outputs] of one input with `input_shape`'s number of values."""
        self._interpreter.set_input(values.reshape(self.input_shape), 0)
        self._interpreter.invoke()
        return np.array(self._interpreter.get_output(0), np.int8).ravel()

    def run(
        self, inputs: NDArray[np.int8], progress: Callable[[int], object] | None = None
    ) -> NDArray[np.int8]:
        """int8 [n, outputs] of inputs [n, …]."""
        rows = []
        for number, values in enumerate(inputs):
            rows.append(self.logits(values))
            if progress:
                progress(number + 1)
        return np.stack(rows)
