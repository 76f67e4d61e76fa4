"""Rewrite an int8 .tflite into the form that the ahead-of-time compiler takes.

Batch fixed to 1, trailing SOFTMAX removed (the device works on logits), shapes of RESHAPE made
constant, and SAME padding that CMSIS-NN refuses turned into an explicit PAD. LiteRT must give the
same bytes before and after.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.admissible import require_admissible
from tinyops.conversion.equality import require_equal
from tinyops.conversion.errors import ConversionError
from tinyops.conversion.flatbuffer import builtin_code, read_model, schema_module, write_model


def canonical(tflite: bytes) -> bytes:
    """The same model, rewritten.

    Parameters
    ----------
    tflite
        An int8 model with one subgraph, one input and one output.

    Raises
    ------
    ConversionError
        Not such a model, or a rewrite changed what it computes.
    """
    model = read_model(tflite)
    require_admissible(model)
    before = model.subgraphs[0].outputs[0]
    try:
        _rewrite(model)
        rewritten = write_model(model)
    except ConversionError:
        raise
    except Exception as error:  # options of another operator, a weight without data, …
        raise ConversionError(
            f"damaged .tflite: no rewrite for it: {type(error).__name__}: {error}",
            "export the model again; if it runs in LiteRT, report it",
        ) from error
    output = model.subgraphs[0].outputs[0]
    require_equal(tflite, rewritten, output if output != before else None)
    return rewritten


def _rewrite(model: Any) -> None:
    schema = schema_module()
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None
    model.signatureDefs = None
    _strip_softmax(schema, model)
    _fix_reshape(schema, model)
    _pad_explicitly(schema, model)


def _strip_softmax(schema: Any, model: Any) -> None:
    graph = model.subgraphs[0]
    last = graph.operators[-1]
    if builtin_code(model, last) == schema.BuiltinOperator.SOFTMAX and len(graph.operators) > 1:
        graph.operators.pop()
        graph.outputs = [last.inputs[0]]


def _fix_reshape(schema: Any, model: Any) -> None:
    # Keras computes a Flatten's shape from the open batch (SHAPE, STRIDED_SLICE, PACK); with batch
    # 1 it is a constant, and what computed it is dead.
    graph = model.subgraphs[0]
    for operator in graph.operators:
        if builtin_code(model, operator) != schema.BuiltinOperator.RESHAPE:
            continue
        shape = [int(size) for size in graph.tensors[operator.outputs[0]].shape]
        if operator.builtinOptions is None:
            operator.builtinOptions = schema.ReshapeOptionsT()
            operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions.newShape = shape
        if len(operator.inputs) > 1 and not _is_constant(model, operator.inputs[1]):
            constant = _add_constant(schema, model, np.array(shape), f"shape{operator.outputs[0]}")
            operator.inputs = [operator.inputs[0], constant]
    _drop_dead(graph)


def _is_constant(model: Any, index: int) -> bool:
    return model.buffers[model.subgraphs[0].tensors[index].buffer].data is not None


def _add_constant(schema: Any, model: Any, values: NDArray[Any], name: str) -> int:
    graph = model.subgraphs[0]
    buffer = schema.BufferT()
    buffer.data = list(values.astype("<i4").tobytes())
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.shape = list(values.shape)
    tensor.type = schema.TensorType.INT32
    tensor.buffer = len(model.buffers) - 1
    tensor.name = name
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _drop_dead(graph: Any) -> None:
    needed = set(graph.outputs)
    kept = []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            needed.update(operator.inputs)
            kept.append(operator)
    graph.operators = kept[::-1]


def _pad_explicitly(schema: Any, model: Any) -> None:
    # CMSIS-NN's Conv2D takes one padding for both sides (bakenn 1.0 then falls back to portable C,
    # several times slower); SAME with an odd total pads one more at the end.
    graph = model.subgraphs[0]
    pad_code: int | None = None
    operators = []
    for number, operator in enumerate(graph.operators):
        pads = _asymmetric_pads(schema, model, operator)
        if pads is not None:
            if pad_code is None:
                pad_code = _add_pad_code(schema, model)
            operators.append(_add_pad(schema, model, operator, pads, pad_code, number))
        operators.append(operator)
    graph.operators = operators


def _asymmetric_pads(schema: Any, model: Any, operator: Any) -> NDArray[np.int32] | None:
    if builtin_code(model, operator) != schema.BuiltinOperator.CONV_2D:
        return None
    options = operator.builtinOptions
    if options.padding != schema.Padding.SAME:
        return None
    tensors = model.subgraphs[0].tensors
    source = tensors[operator.inputs[0]].shape
    kernel = tensors[operator.inputs[1]].shape[1:3]
    output = tensors[operator.outputs[0]].shape
    strides = (options.strideH, options.strideW)
    dilations = (options.dilationHFactor or 1, options.dilationWFactor or 1)
    pads = np.zeros((4, 2), np.int32)
    for axis in (1, 2):
        reach = (kernel[axis - 1] - 1) * dilations[axis - 1] + 1
        total = max((output[axis] - 1) * strides[axis - 1] + reach - source[axis], 0)
        pads[axis] = total // 2, total - total // 2
    return pads if (pads[:, 0] != pads[:, 1]).any() else None


def _add_pad_code(schema: Any, model: Any) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.PAD
    code.version = 2
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _add_pad(
    schema: Any, model: Any, operator: Any, pads: NDArray[np.int32], pad_code: int, number: int
) -> Any:
    graph = model.subgraphs[0]
    source = graph.tensors[operator.inputs[0]]
    amounts = _add_constant(schema, model, pads, f"pads{number}")
    padded = schema.TensorT()
    padded.shape = [int(size + pads[axis].sum()) for axis, size in enumerate(source.shape)]
    padded.type = source.type
    padded.buffer = 0
    padded.name = f"padded{number}"
    padded.quantization = source.quantization
    graph.tensors.append(padded)
    pad = schema.OperatorT()
    pad.opcodeIndex = pad_code
    pad.inputs = [operator.inputs[0], amounts]
    pad.outputs = [len(graph.tensors) - 1]
    pad.builtinOptionsType = schema.BuiltinOptions.PadOptions
    pad.builtinOptions = schema.PadOptionsT()
    operator.inputs = [len(graph.tensors) - 1, *operator.inputs[1:]]
    operator.builtinOptions.padding = schema.Padding.VALID
    return pad
