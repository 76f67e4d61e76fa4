"""A model in TensorFlow Lite Micro's interpreter. Runs in a child: see `confined`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.runtime_errors import refusal

RUNTIME = "TensorFlow Lite Micro"
_ARENA_BYTES = 16 << 20
"""At least: the package takes ten times the model's size, too little for a small model on a large
input. What the model needs of it is recorded, not this."""


class TflmInterpreter:
    """Errors, all ConversionError, name the operator that TFLM refuses."""

    def __init__(self, tflite: bytes) -> None:
        from tflite_micro import runtime

        self._tflite = tflite
        try:
            size = max(_ARENA_BYTES, 10 * len(tflite))
            self._interpreter: Any = runtime.Interpreter.from_bytes(tflite, arena_size=size)
            self._input = self._interpreter.get_input_details(0)
            self._output = self._interpreter.get_output_details(0)
        except (RuntimeError, ValueError) as error:
            raise refusal(RUNTIME, tflite, error) from None

    def describe(self) -> dict[str, Any]:
        """Shape and type of the input, and the scale of the output (0 without one)."""
        scales = self._output["quantization_parameters"]["scales"]
        return {
            "shape": [int(size) for size in self._input["shape"]],
            "dtype": np.dtype(self._input["dtype"]).str,
            "scale": float(scales[0]) if len(scales) else 0.0,
        }

    def run(self, inputs: NDArray[Any], fresh: NDArray[np.bool_]) -> NDArray[Any]:
        """[n, outputs] of inputs [n, …]; before those that are `fresh` [n] the model forgets what
        earlier inputs have left in its variable tensors."""
        shape = tuple(self._input["shape"])
        rows = []
        try:
            for values, reset in zip(inputs, fresh, strict=True):
                if reset:
                    self._interpreter.reset()
                self._interpreter.set_input(values.reshape(shape), 0)
                self._interpreter.invoke()
                rows.append(np.array(self._interpreter.get_output(0)).ravel())
        except (RuntimeError, ValueError) as error:
            raise refusal(RUNTIME, self._tflite, error) from None
        return np.stack(rows)

    def allocations(self) -> None:
        """Run once on zeros and write what the arena was used for to standard error."""
        zeros = np.zeros((1, *self._input["shape"]), self._input["dtype"])
        self.run(zeros, np.ones(1, np.bool_))
        self._interpreter.print_allocations()
