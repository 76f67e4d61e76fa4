"""An int8 model in LiteRT on this host, nearly with the arithmetic of the device.

Against TensorFlow Lite Micro, which the device equals byte for byte, some logits are a step or more
off; docs/serving.md says how many of public models, and that the class seldom changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.errors import ConversionError


def interpreter_of(tflite: bytes) -> Any:
    """LiteRT's interpreter with its tensors allocated, on one thread.

    Raises
    ------
    ConversionError
        LiteRT refuses the model.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        # Without XNNPACK, which is further off: up to six steps on the models of MLPerf Tiny.
        interpreter = Interpreter(
            model_content=tflite,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConversionError(
            f"LiteRT refuses the model: {reason}", "give a complete .tflite of its operators"
        ) from None
    return interpreter


class Int8Model:
    """An int8 model of one input [1, H, W, C] and logits; made once, asked often."""

    def __init__(self, tflite: bytes) -> None:
        self._interpreter = interpreter_of(tflite)
        self._given = self._interpreter.get_input_details()[0]
        self._wanted = self._interpreter.get_output_details()[0]

    def logits(self, features: NDArray[np.int8]) -> NDArray[np.int8]:
        """int8 [n, classes] for features int8 [n, H, W, C].

        Raises
        ------
        ConversionError
            The model does not take these features.
        """
        shape, dtype = self._given["shape"], self._given["dtype"]
        if tuple(shape[1:]) != features.shape[1:] or dtype != np.int8:
            raise ConversionError(
                f"the model takes {dtype.__name__} {list(shape)}, the features are "
                f"{features.dtype} {list(features.shape)}",
                "use the frontend that the model was trained with",
            )
        logits = np.empty((len(features), int(self._wanted["shape"][-1])), dtype=np.int8)
        for row, feature in zip(logits, features, strict=True):
            # A recurrent layer's state outlives an inference (LiteRT 2.3): no window knows another.
            self._interpreter.reset_all_variables()
            self._interpreter.set_tensor(self._given["index"], feature[None])
            self._interpreter.invoke()
            row[:] = self._interpreter.get_tensor(self._wanted["index"]).ravel()
        return logits


def int8_logits(tflite: bytes, features: NDArray[np.int8]) -> NDArray[np.int8]:
    """Logits int8 [n, classes] of an int8 model; errors as in `Int8Model`."""
    return Int8Model(tflite).logits(features)
