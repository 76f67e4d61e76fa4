"""The factor of a SOFTMAX that is removed, in the scale of the logits that stay.

SOFTMAX computes exp(beta x). Logits of the same int8 values and a scale beta times as large give
the same shares, and a layer whose weights, bias and output all have that scale computes the same
int8 values. Floating-point scales take a power of two without rounding.
"""

from __future__ import annotations

import math
from typing import Any

from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import operator_name, schema_module
from tinyops.conversion.tflite.rewrites.bias import WEIGHTED, scales_of
from tinyops.conversion.tflite.rewrites.graph import copy_tensor, producers_of, readers_of
from tinyops.conversion.tflite.rewrites.reshape import RENAMING

_FIX = "multiply the weights and the bias of the last layer by beta and convert it with beta 1"


def beta_of(softmax: Any) -> float:
    """`beta` of a SOFTMAX; ConversionError, which names it, unless it is a power of two."""
    options = softmax.builtinOptions
    beta = 1.0 if options is None else float(options.beta)
    if not 0 < beta < math.inf or math.frexp(beta)[0] != 0.5:
        raise ConversionError(
            f"{softmax.label} has beta {beta:g}, expected 1 or another power of two, which logits "
            "can have in their scale",
            _FIX,
        )
    return beta


def scale_logits(model: Any, logits: int, beta: float, softmax: str) -> None:
    """Multiply the scale of the model's logits by `beta`; `softmax` is the label for messages.

    Raises
    ------
    ConversionError
        They are made by an operator whose weights cannot take the factor.
    """
    tensors, producers, readers = model.subgraphs[0].tensors, producers_of(model), readers_of(model)
    tensor, operator = logits, producers.pop(logits, None)
    while operator is not None and operator_name(model, operator) in RENAMING:
        _multiply(tensors[tensor], beta)
        tensor = operator.inputs[0]
        # Taken out of the table, an operator is met once, also in a circle.
        operator = producers.pop(tensor, None) if len(readers[tensor]) == 1 else None
    label = "the model's input" if operator is None else operator.label
    linear = schema_module().ActivationFunctionType
    if (
        operator is None
        or operator_name(model, operator) not in WEIGHTED
        or len(readers.get(tensor, [])) > (tensor != logits)
        or operator.builtinOptions is None
        or operator.builtinOptions.fusedActivationFunction not in (linear.NONE, linear.RELU)
    ):
        raise ConversionError(
            f"{softmax} has beta {beta:g}, which {label} before it cannot have in its scales", _FIX
        )
    _multiply(tensors[tensor], beta)
    for place in range(1, len(operator.inputs)):
        if operator.inputs[place] >= 0:
            inputs = list(operator.inputs)
            inputs[place] = copy_tensor(model, inputs[place])
            operator.inputs = inputs
            _multiply(tensors[inputs[place]], beta)


def _multiply(tensor: Any, factor: float) -> None:
    if tensor.quantization is not None:
        tensor.quantization.scale = [float(scale) * factor for scale in scales_of(tensor)]
