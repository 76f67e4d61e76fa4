"""Models as other tool chains and settings of the converter leave them, made from sound ones."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from tests.support.chip import MODELS
from tests.support.conversion.mutation import dense
from tinyops.conversion.tflite.flatbuffer import operator_name, parse, schema_module, write_model

TINY = (MODELS / "tiny.tflite").read_bytes()
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def float_ends(tflite: bytes) -> bytes:
    """The converter without inference_input_type: QUANTIZE before the model, DEQUANTIZE behind."""
    return _with_ends(tflite, "FLOAT32", "DEQUANTIZE")


def uint8_ends(tflite: bytes, input_factor: float = 1.0, output_factor: float = 1.0) -> bytes:
    """The converter with uint8; with a factor the ends have scales of their own."""
    return _with_ends(tflite, "UINT8", "QUANTIZE", input_factor, output_factor)


def _with_ends(
    tflite: bytes, kind: str, last: str, input_factor: float = 1.0, output_factor: float = 1.0
) -> bytes:
    model, schema = parse(tflite), schema_module()
    graph = model.subgraphs[0]
    ends = []
    for index, factor in ((graph.inputs[0], input_factor), (graph.outputs[0], output_factor)):
        end = deepcopy(graph.tensors[index])
        end.name, end.type = f"{kind}_{index}", getattr(schema.TensorType, kind)
        if kind == "FLOAT32":
            end.quantization = None
        else:
            end.quantization.scale = [factor * float(end.quantization.scale[0])]
            end.quantization.zeroPoint = [int(end.quantization.zeroPoint[0]) + 128]
        graph.tensors.append(end)
        ends.append(len(graph.tensors) - 1)
    first = add_operator(model, "QUANTIZE", [ends[0]], [int(graph.inputs[0])])
    graph.operators.insert(0, graph.operators.pop())
    assert graph.operators[0] is first
    add_operator(model, last, [int(graph.outputs[0])], [ends[1]])
    graph.inputs, graph.outputs = [ends[0]], [ends[1]]
    return write_model(model)


def bias_scales(tflite: bytes, factor: float | None = None) -> bytes:
    """As after training for int8: each bias's scale is the next float32; with a factor, far off."""
    model = parse(tflite)
    for operator in model.subgraphs[0].operators:
        if operator_name(model, operator) in WEIGHTED and len(operator.inputs) > 2:
            quantization = model.subgraphs[0].tensors[operator.inputs[2]].quantization
            scales = np.asarray(quantization.scale, np.float32)
            moved = np.nextafter(scales, np.float32(1)) if factor is None else scales * factor
            quantization.scale = [float(scale) for scale in moved]
    return write_model(model)


def softmax_beta(tflite: bytes, beta: float) -> bytes:
    """The last SOFTMAX sharpens."""
    model = parse(tflite)
    model.subgraphs[0].operators[-1].builtinOptions.beta = beta
    return write_model(model)


def unread_operator(tflite: bytes) -> bytes:
    """A copy of the first operator stands last, and nothing reads it."""
    model = parse(tflite)
    graph = model.subgraphs[0]
    twin = deepcopy(graph.operators[0])
    made = deepcopy(graph.tensors[twin.outputs[0]])
    made.name = "unread"
    graph.tensors.append(made)
    twin.outputs = [len(graph.tensors) - 1]
    graph.operators.append(twin)
    return write_model(model)


def tanh_last(tflite: bytes) -> bytes:
    """A TANH behind the last operator: TensorFlow Lite Micro has it, the compiler does not."""
    model = parse(tflite)
    graph = model.subgraphs[0]
    graph.tensors.append(deepcopy(graph.tensors[graph.outputs[0]]))
    graph.tensors[-1].name = "tanh"
    graph.tensors[-1].quantization.scale = [1 / 128]
    graph.tensors[-1].quantization.zeroPoint = [0]
    last = add_operator(model, "TANH", [int(graph.outputs[0])], [len(graph.tensors) - 1])
    graph.outputs = last.outputs
    return write_model(model)


def codes_in_one_field(tflite: bytes) -> bytes:
    """Operator codes in the field of schema 3a alone; the older one is 0, which is ADD."""
    model = parse(tflite)
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.deprecatedBuiltinCode = 0
    return write_model(model)


def dense_rows(rows: int, inputs: int, outputs: int, channels: bool = False) -> bytes:
    """A Dense layer without bias on [rows, inputs]; `channels`: a weight scale for each output."""
    model = parse(dense(inputs, outputs))
    graph, generator = model.subgraphs[0], np.random.default_rng(3)
    graph.tensors[0].shape, graph.tensors[2].shape = [1, rows, inputs], [1, rows, outputs]
    graph.operators[0].builtinOptions.keepNumDims = True
    graph.operators[0].builtinOptions.fusedActivationFunction = 1
    weights = generator.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    model.buffers[1].data = list(weights.tobytes())
    kernel = graph.tensors[1].quantization
    kernel.scale, kernel.zeroPoint = [0.003], [0]
    if channels:
        kernel.scale = [float(scale) for scale in generator.uniform(0.001, 0.02, outputs)]
        kernel.zeroPoint = [0] * outputs
    return write_model(model)


def one_reshape(shape: tuple[int, ...], made: tuple[int, ...]) -> bytes:
    """A model of a RESHAPE and nothing else."""
    model, schema = parse(dense(1, 1)), schema_module()
    graph = model.subgraphs[0]
    graph.tensors[0].shape, graph.tensors[2].shape = list(shape), list(made)
    graph.operators = []
    operator = add_operator(model, "RESHAPE", [0], [2])
    operator.builtinOptions = schema.ReshapeOptionsT()
    operator.builtinOptions.newShape = list(made)
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    return write_model(model)


def add_operator(model: Any, name: str, inputs: list[int], outputs: list[int]) -> Any:
    """A new last operator without options."""
    schema = schema_module()
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    model.operatorCodes.append(code)
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = inputs, outputs
    model.subgraphs[0].operators.append(operator)
    return operator
