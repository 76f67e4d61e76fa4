"""Structure of a model that can be rewritten: one subgraph, one input, one output, whole indices.

Every refusal names the tensor or the operator, so that whoever made the model knows where to look.
Nothing here follows an index that it has not looked at: the bytes may come from anywhere.
"""

from __future__ import annotations

import math
from typing import Any

from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import (
    builtin_code,
    listed,
    operator_label,
    operator_name,
    reader_of,
    schema_module,
    tensor_name,
)

MAX_TENSOR_BYTES = 64 << 20
"""More than any board has, and little enough for a process with the limits of `confined`."""

_DAMAGED = "export the model again"
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
    """Refuse what cannot be read safely, and what no runtime of the boards takes.

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
    _require_one_of_each(model, graph)
    _require_builtin(model, graph)


def _require_one_graph(model: Any) -> None:
    subgraphs = model.subgraphs or []
    if len(subgraphs) != 1 or subgraphs[0] is None:
        by = _caller(model, subgraphs[0]) if subgraphs and subgraphs[0] is not None else ""
        raise ConversionError(
            f"the model has {len(subgraphs)} subgraphs{by}",
            "export it without control flow and without state between inferences",
        )
    if not listed(subgraphs[0].operators):
        raise ConversionError("the model has no operators", _DAMAGED)


def _require_one_of_each(model: Any, graph: Any) -> None:
    inputs, outputs = listed(graph.inputs), listed(graph.outputs)
    if len(inputs) == 1 and len(outputs) == 1:
        return
    named = [f"{tensor_name(graph.tensors[each])}{_read_by(model, each)}" for each in inputs]
    named += [f"{tensor_name(graph.tensors[each])}{_made_by(model, each)}" for each in outputs]
    raise ConversionError(
        f"the model has {len(inputs)} inputs and {len(outputs)} outputs"
        + (f": {', '.join(named[:6])}" if named else ""),
        "export it with one of each",
    )


def _read_by(model: Any, tensor: int) -> str:
    number = reader_of(model, tensor)
    return "" if number is None else f" of {operator_label(model, number)}"


def _made_by(model: Any, tensor: int) -> str:
    for number, operator in enumerate(model.subgraphs[0].operators):
        if tensor in operator.outputs:
            return f" of {operator_label(model, number)}"
    return ""


def _caller(model: Any, graph: Any) -> str:
    for number, operator in enumerate(listed(graph.operators)):
        codes = listed(model.operatorCodes)
        if operator is None or not 0 <= operator.opcodeIndex < len(codes):
            continue
        if operator_name(model, operator) in _STATEFUL:
            return f", needed by {operator_label(model, number)}"
    return ""


def _require_sound(model: Any, graph: Any) -> None:
    tensors, buffers = listed(graph.tensors), listed(model.buffers)
    for number, tensor in enumerate(tensors):
        if (
            tensor is None
            or not 0 <= tensor.buffer < len(buffers)
            or buffers[tensor.buffer] is None
        ):
            raise ConversionError(f"damaged .tflite: tensor {number} has no buffer", _DAMAGED)
        shape = [int(size) for size in listed(tensor.shape)]
        if any(size < 0 for size in shape) or math.prod(shape) > MAX_TENSOR_BYTES:
            raise ConversionError(
                f"tensor {tensor_name(tensor)} has shape {shape[:8]}: above {MAX_TENSOR_BYTES:,} "
                "values, or open",
                "export the model with fixed sizes that a microcontroller can hold",
            )
    for role, indices in (("input", graph.inputs), ("output", graph.outputs)):
        _require_indices(f"the model's {role}", indices, 0, len(tensors))
    for number, operator in enumerate(graph.operators):
        if operator is None or not 0 <= operator.opcodeIndex < len(listed(model.operatorCodes)):
            raise ConversionError(f"damaged .tflite: operator {number} has no code", _DAMAGED)
        label = operator_label(model, number)
        _require_indices(f"an input of {label}", operator.inputs, -1, len(tensors))
        _require_indices(f"an output of {label}", operator.outputs, 0, len(tensors))
        if operator_name(model, operator) in _STATEFUL:
            raise ConversionError(
                f"{label} keeps state between inferences, or branches",
                "export a model of the whole window, without control flow and without state",
            )
        if not len(listed(operator.outputs)):
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
    inputs = listed(operator.inputs)
    for place, rank in enumerate(ranks):
        if place >= len(inputs) or inputs[place] < 0:
            raise ConversionError(f"damaged .tflite: {label} has no input {place}", _DAMAGED)
        read = graph.tensors[inputs[place]]
        shape = [int(size) for size in listed(read.shape)]
        if rank is not None and (len(shape) != rank or min(shape) < 1):
            raise ConversionError(
                f"damaged .tflite: {label} reads {tensor_name(read)} of shape {shape[:8]}, not of "
                f"{rank} sizes",
                _DAMAGED,
            )


def _require_indices(what: str, indices: Any, low: int, high: int) -> None:
    for index in listed(indices):
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
