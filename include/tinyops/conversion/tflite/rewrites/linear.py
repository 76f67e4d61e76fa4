"""FULLY_CONNECTED takes and gives rank 2: a RESHAPE, which is free, stands before and after it.

TensorFlow Lite takes any rank and flattens it, or keeps all dimensions but the last; bakenn 1.0
refuses both ("activations must be rank-two NC").
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyops.conversion.tflite.flatbuffer import operator_name
from tinyops.conversion.tflite.rewrites.graph import add_constant, add_tensor, new_operator
from tinyops.conversion.tflite.rewrites.reshape import set_shape


def flatten_linear(model: Any) -> None:
    """Put reshapes around each FULLY_CONNECTED that needs them."""
    graph = model.subgraphs[0]
    operators: list[Any] = []
    for number, operator in enumerate(graph.operators):
        if operator_name(model, operator) != "FULLY_CONNECTED":
            operators.append(operator)
            continue
        outputs, inputs = (int(size) for size in graph.tensors[operator.inputs[1]].shape)
        source, target = operator.inputs[0], operator.outputs[0]
        batch = math.prod(graph.tensors[source].shape) // inputs
        if len(graph.tensors[source].shape) != 2:
            flat = add_tensor(model, source, (batch, inputs), f"flat{number}")
            operators.append(_reshape(model, source, flat))
            operator.inputs = [flat, *operator.inputs[1:]]
        operators.append(operator)
        if len(graph.tensors[target].shape) != 2:
            flat = add_tensor(model, target, (batch, outputs), f"rows{number}")
            operator.outputs = [flat]
            operators.append(_reshape(model, flat, target))
        if operator.builtinOptions is not None:
            operator.builtinOptions.keepNumDims = False
    graph.operators = operators


def _reshape(model: Any, source: int, target: int) -> Any:
    shape = [int(size) for size in model.subgraphs[0].tensors[target].shape]
    amounts = add_constant(model, np.array(shape), f"shape{target}")
    operator = new_operator(model, "RESHAPE", (source, amounts), target)
    set_shape(operator, shape)
    return operator
