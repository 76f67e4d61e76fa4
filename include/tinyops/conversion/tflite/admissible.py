"""What a model has to be before it is rewritten: int8, of one subgraph, of fixed sizes.

Every refusal names the tensor or the operator, so that whoever made the model knows where to look.
Nothing here follows an index that it has not looked at: the bytes may come from anywhere.
"""

from __future__ import annotations

import math
from typing import Any

from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import (
    builtin_code,
    operator_label,
    operator_name,
    schema_module,
    tensor_name,
)

MAX_TENSOR_BYTES = 64 << 20
"""More than any board has, and little enough for a process with the limits of `confined`."""

_DAMAGED = "export the model again"
_FULL_INT8 = (
    "convert it with a representative dataset, TFLITE_BUILTINS_INT8 and int8 as "
    "inference_input_type and inference_output_type"
)
_STATEFUL = frozenset(
    {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "IF", "WHILE", "CALL"}
)

_FORMS: dict[str, tuple[str, bool, tuple[int | None, ...]]] = {
    "CONV_2D": ("Conv2DOptions", True, (4, 4)),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", True, (4, 4)),
    "AVERAGE_POOL_2D": ("Pool2DOptions", True, (4,)),
    "MAX_POOL_2D": ("Pool2DOptions", True, (4,)),
    "FULLY_CONNECTED": ("FullyConnectedOptions", False, (None, 2)),
    "RESHAPE": ("ReshapeOptions", False, (None,)),
    "SOFTMAX": ("SoftmaxOptions", False, (None,)),
}
"""Of operators that are rewritten: their options, whether they must be there, and how many sizes
each input has (None: any)."""


def require_admissible(model: Any) -> None:
    """Refuse what neither runtime of the boards, nor the firmware around them, can take.

    Parameters
    ----------
    model
        A ModelT as `read_model` gives it.

    Raises
    ------
    ConversionError
        Names the tensor or operator and what to change.
    """
    _require_one_graph(model)
    graph = model.subgraphs[0]
    _require_sound(model, graph)
    _require_builtin(model, graph)
    _require_not_hybrid(model, graph)
    _require_int8_ends(graph)


def _require_one_graph(model: Any) -> None:
    subgraphs = model.subgraphs or []
    if len(subgraphs) != 1 or subgraphs[0] is None:
        by = _caller(model, subgraphs[0]) if subgraphs and subgraphs[0] is not None else ""
        raise ConversionError(
            f"the model has {len(subgraphs)} subgraphs{by}",
            "export it without control flow and without state between inferences",
        )
    graph = subgraphs[0]
    inputs, outputs = _listed(graph.inputs), _listed(graph.outputs)
    if len(inputs) != 1 or len(outputs) != 1:
        named = ", ".join(_name_at(graph, index) for index in [*inputs, *outputs][:6])
        raise ConversionError(
            f"the model has {len(inputs)} inputs and {len(outputs)} outputs"
            + (f": {named}" if named else ""),
            "export it with one of each",
        )
    if not _listed(graph.operators):
        raise ConversionError("the model has no operators", _DAMAGED)


def _caller(model: Any, graph: Any) -> str:
    for number, operator in enumerate(_listed(graph.operators)):
        codes = _listed(model.operatorCodes)
        if operator is None or not 0 <= operator.opcodeIndex < len(codes):
            continue
        if operator_name(model, operator) in _STATEFUL:
            return f", needed by {operator_label(model, number)}"
    return ""


def _require_sound(model: Any, graph: Any) -> None:
    tensors, buffers = _listed(graph.tensors), _listed(model.buffers)
    for number, tensor in enumerate(tensors):
        if (
            tensor is None
            or not 0 <= tensor.buffer < len(buffers)
            or buffers[tensor.buffer] is None
        ):
            raise ConversionError(f"damaged .tflite: tensor {number} has no buffer", _DAMAGED)
        shape = [int(size) for size in _listed(tensor.shape)]
        if any(size < 0 for size in shape) or math.prod(shape) > MAX_TENSOR_BYTES:
            raise ConversionError(
                f"tensor {tensor_name(tensor)} has shape {shape[:8]}: above {MAX_TENSOR_BYTES:,} "
                "values, or open",
                "export the model with fixed sizes that a microcontroller can hold",
            )
    for role, indices in (("input", graph.inputs), ("output", graph.outputs)):
        _require_indices(f"the model's {role}", indices, 0, len(tensors))
    for number, operator in enumerate(graph.operators):
        if operator is None or not 0 <= operator.opcodeIndex < len(_listed(model.operatorCodes)):
            raise ConversionError(f"damaged .tflite: operator {number} has no code", _DAMAGED)
        label = operator_label(model, number)
        _require_indices(f"an input of {label}", operator.inputs, -1, len(tensors))
        _require_indices(f"an output of {label}", operator.outputs, 0, len(tensors))
        if operator_name(model, operator) in _STATEFUL:
            raise ConversionError(
                f"{label} keeps state between inferences, or branches",
                "export a model of the whole window, without control flow and without state",
            )
        if not len(_listed(operator.outputs)):
            raise ConversionError(f"damaged .tflite: {label} makes nothing", _DAMAGED)
        _require_form(graph, operator, operator_name(model, operator), label)


def _require_form(graph: Any, operator: Any, name: str, label: str) -> None:
    form = _FORMS.get(name)
    if form is None:
        return
    options, needed, ranks = form
    given = type(operator.builtinOptions).__name__.removesuffix("T")
    if given != options and (needed or operator.builtinOptions is not None):
        has = "no options" if operator.builtinOptions is None else given
        raise ConversionError(f"damaged .tflite: {label} has {has}, not {options}", _DAMAGED)
    inputs = _listed(operator.inputs)
    for place, rank in enumerate(ranks):
        if place >= len(inputs) or inputs[place] < 0:
            raise ConversionError(f"damaged .tflite: {label} has no input {place}", _DAMAGED)
        read = graph.tensors[inputs[place]]
        shape = [int(size) for size in _listed(read.shape)]
        if rank is not None and (len(shape) != rank or min(shape) < 1):
            raise ConversionError(
                f"damaged .tflite: {label} reads {tensor_name(read)} of shape {shape[:8]}, not of "
                f"{rank} sizes",
                _DAMAGED,
            )


def _require_indices(what: str, indices: Any, low: int, high: int) -> None:
    for index in _listed(indices):
        if not low <= index < high:
            raise ConversionError(
                f"damaged .tflite: {what} is tensor {index}, there are {high}", _DAMAGED
            )


def _require_builtin(model: Any, graph: Any) -> None:
    custom = schema_module().BuiltinOperator.CUSTOM
    for number, operator in enumerate(graph.operators):
        if builtin_code(model, operator) == custom:
            raise ConversionError(
                f"custom operator {operator_label(model, number)}: no runtime of the boards has it",
                "build that layer from operators that `tinyops ops` lists",
            )


def _require_not_hybrid(model: Any, graph: Any) -> None:
    types = schema_module().TensorType
    for number, operator in enumerate(graph.operators):
        read = [graph.tensors[index] for index in _listed(operator.inputs) if index >= 0]
        weights = [t for t in read if t.type == types.INT8 and _has_data(model, t)]
        floats = [t for t in read if t.type == types.FLOAT32 and not _has_data(model, t)]
        if weights and floats:
            raise ConversionError(
                f"hybrid model: {operator_label(model, number)} has INT8 weights "
                f"{tensor_name(weights[0])} and FLOAT32 input {tensor_name(floats[0])}",
                _FULL_INT8,
            )


def _require_int8_ends(graph: Any) -> None:
    types = schema_module().TensorType
    names = {value: name for name, value in vars(types).items() if name.isupper()}
    for role, index in (("input", graph.inputs[0]), ("output", graph.outputs[0])):
        tensor = graph.tensors[index]
        label = f"{role} {tensor_name(tensor)}"
        if tensor.type != types.INT8:
            raise ConversionError(
                f"{label} is {names.get(tensor.type, f'of type {tensor.type}')}, not INT8",
                _FULL_INT8,
            )
        shape = [int(size) for size in _listed(tensor.shape)]
        # Only the batch may be open: it is fixed to 1. Other open sizes stand as 1 in `shape`.
        open_ = [int(size) for size in _listed(tensor.shapeSignature)][1:]
        if not shape or shape[0] != 1 or any(size < 1 for size in shape) or -1 in open_:
            shown = [int(size) for size in _listed(tensor.shapeSignature)] or shape
            raise ConversionError(
                f"{label} has shape {shown[:8]}", "export the model with fixed sizes and batch 1"
            )
        _require_scale(label, tensor.quantization)


def _require_scale(label: str, quantization: Any) -> None:
    scales = _listed(quantization.scale) if quantization is not None else []
    points = _listed(quantization.zeroPoint) if quantization is not None else []
    one = len(scales) == 1 and len(points) <= 1
    if not one or not 0 < float(scales[0]) < math.inf or not all(-128 <= p <= 127 for p in points):
        raise ConversionError(
            f"{label} has no int8 scale and zero point (scales "
            f"{[float(s) for s in scales[:4]]}, zero points {[int(p) for p in points[:4]]})",
            _FULL_INT8,
        )


def _has_data(model: Any, tensor: Any) -> bool:
    return bool(len(_listed(model.buffers[tensor.buffer].data)))


def _name_at(graph: Any, index: int) -> str:
    tensors = _listed(graph.tensors)
    known = 0 <= index < len(tensors) and tensors[index] is not None
    return tensor_name(tensors[index]) if known else f"tensor {index}"


def _listed(values: Any) -> Any:
    # The schema gives None for a missing vector, 0 for an empty one, else a list or an array.
    return [] if values is None or isinstance(values, int) else values
