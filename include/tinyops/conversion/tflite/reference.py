"""What a model should compute: TensorFlow Lite Micro on this host."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.confined import Confined
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.tflm_interpreter import RUNTIME

_LONG = 0.25


class Reference:
    """An int8 model in TFLM's interpreter, in a child that a bad model cannot leave.

    Raises
    ------
    ConversionError
        TFLM refuses the model, or falls over it.
    """

    def __init__(self, tflite: bytes) -> None:
        self._child = Confined(
            RUNTIME, "tinyops.conversion.tflite.tflm_interpreter:TflmInterpreter", tflite
        )
        described = self._child.call("describe")
        self.input_shape: tuple[int, ...] = tuple(described["shape"])
        self.input_dtype = np.dtype(described["dtype"])
        self._scale = float(described["scale"])

    @property
    def output_scale(self) -> float:
        """Of the int8 logits, per step."""
        return self._scale

    def logits(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """int8 [outputs] of one input with `input_shape`'s number of values."""
        return self.run(values[None])[0]

    def run(
        self,
        inputs: NDArray[np.int8],
        progress: Callable[[int], object] | None = None,
        *,
        sequence: int = 1,
    ) -> NDArray[np.int8]:
        """int8 [n, outputs] of inputs [n, …].

        Parameters
        ----------
        sequence
            So many inputs in a row go on from what the one before has left in the model's state;
            then the state is forgotten. 1: no input knows of another.

        Raises
        ------
        ConversionError
            Inputs that the model does not take; none at all.
        """
        self.require_inputs(inputs)
        fresh = np.arange(len(inputs)) % sequence == 0
        parts: list[NDArray[np.int8]] = []
        done, step = 0, 1
        while done < len(inputs):
            # As many at once as take a moment: each call has a limit of time, and the user a bar.
            start = time.monotonic()
            rows = slice(done, done + step)
            parts.append(self._child.call("run", inputs[rows], fresh[rows]))
            done = min(done + step, len(inputs))
            step = step * 2 if time.monotonic() - start < _LONG else max(step // 2, 1)
            if progress:
                progress(done)
        return np.concatenate(parts)

    def require_inputs(self, inputs: NDArray[np.int8]) -> None:
        """ConversionError unless the inputs [n, …] are of the model's type and size."""
        size = math.prod(self.input_shape)
        given = math.prod(inputs.shape[1:])
        if not len(inputs) or given != size or inputs.dtype != self.input_dtype:
            raise ConversionError(
                f"the model takes {self.input_dtype} {list(self.input_shape)}, given are "
                f"{len(inputs)} inputs {inputs.dtype} {list(inputs.shape[1:])}",
                f"give inputs of {size} values each",
            )
