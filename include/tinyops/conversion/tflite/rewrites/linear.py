"""FULLY_CONNECTED in the forms that the compiler takes, between RESHAPEs, which are free.

TensorFlow Lite takes any rank and flattens it, or keeps all dimensions but the last; bakenn 1.0
refuses both ("activations must be rank-two NC"). One row becomes rank 2. More rows, as those of a
Dense layer on [time, channels], become the columns of an image [1, 1, rows, channels] and the layer
a CONV_2D of 1 x 1: the same products, the same rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinyops.conversion.tflite.flatbuffer import operator_name, schema_module
from tinyops.conversion.tflite.rewrites.bias import scales_of
from tinyops.conversion.tflite.rewrites.graph import (
    add_constant,
    add_tensor,
    code_index,
    copy_tensor,
    is_constant,
    new_operator,
)
from tinyops.conversion.tflite.rewrites.reshape import set_shape


def flatten_linear(model: Any) -> list[str]:
    """Put reshapes around each FULLY_CONNECTED that needs them."""
    graph = model.subgraphs[0]
    operators: list[Any] = []
    for operator in graph.operators:
        if operator_name(model, operator) != "FULLY_CONNECTED":
            operators.append(operator)
            continue
        outputs, inputs = (int(size) for size in graph.tensors[operator.inputs[1]].shape)
        source, target = operator.inputs[0], operator.outputs[0]
        rows = math.prod(graph.tensors[source].shape) // inputs
        image = rows > 1 and _to_convolution(model, operator)
        before = (1, 1, rows, inputs) if image else (rows, inputs)
        behind = (1, 1, rows, outputs) if image else (rows, outputs)
        if tuple(graph.tensors[source].shape) != before and (
            image or len(graph.tensors[source].shape) != 2
        ):
            flat = add_tensor(model, source, before, f"flat{source}")
            operators.append(_reshape(model, source, flat, operator))
            operator.inputs = [flat, *operator.inputs[1:]]
        operators.append(operator)
        if tuple(graph.tensors[target].shape) != behind and (
            image or len(graph.tensors[target].shape) != 2
        ):
            flat = add_tensor(model, target, behind, f"rows{target}")
            operator.outputs = [flat]
            operators.append(_reshape(model, flat, target, operator))
        if not image and operator.builtinOptions is not None:
            operator.builtinOptions.keepNumDims = False
    graph.operators = operators
    return []


def _to_convolution(model: Any, operator: Any) -> bool:
    """Make a FULLY_CONNECTED a CONV_2D; False where its weights are computed, or packed."""
    schema, tensors = schema_module(), model.subgraphs[0].tensors
    options, weight = operator.builtinOptions, operator.inputs[1]
    plain = schema.FullyConnectedOptionsWeightsFormat.DEFAULT
    if not is_constant(model, weight) or (options and options.weightsFormat != plain):
        return False
    kernel = copy_tensor(model, weight)
    outputs, inputs = (int(size) for size in tensors[weight].shape)
    tensors[kernel].shape = [outputs, 1, 1, inputs]
    bias = operator.inputs[2] if len(operator.inputs) > 2 else -1
    if bias < 0:
        bias = _zero_bias(model, operator, outputs)
    operator.inputs = [operator.inputs[0], kernel, bias]
    convolution = schema.Conv2DOptionsT()
    convolution.padding = schema.Padding.VALID
    convolution.strideH = convolution.strideW = 1
    convolution.dilationHFactor = convolution.dilationWFactor = 1
    if options is not None:
        convolution.fusedActivationFunction = options.fusedActivationFunction
    operator.builtinOptions = convolution
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    operator.opcodeIndex = code_index(model, schema.BuiltinOperator.CONV_2D, 3)
    return True


def _zero_bias(model: Any, operator: Any, outputs: int) -> int:
    tensors = model.subgraphs[0].tensors
    bias = add_constant(model, np.zeros(outputs, np.int32), f"bias{operator.outputs[0]}")
    quantization = schema_module().QuantizationParametersT()
    source, weight = (scales_of(tensors[index]) for index in operator.inputs[:2])
    quantization.scale = [float(scale) for scale in source * weight]
    quantization.zeroPoint = [0] * len(quantization.scale)
    tensors[bias].quantization = quantization
    return bias


def _reshape(model: Any, source: int, target: int, of: Any) -> Any:
    shape = [int(size) for size in model.subgraphs[0].tensors[target].shape]
    amounts = add_constant(model, np.array(shape), f"shape{target}")
    operator = new_operator(model, "RESHAPE", (source, amounts), target, of)
    set_shape(operator, shape)
    return operator
