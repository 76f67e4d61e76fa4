"""Conversions at the ends of a model, for its callers: QUANTIZE, DEQUANTIZE and SOFTMAX.

A device hands int8 to the model and takes int8 logits from it. A converter that was left at its
defaults puts a QUANTIZE from float32 or uint8 before the int8 model and a QUANTIZE or DEQUANTIZE
behind it; they go, and a note says what is to be fed. A QUANTIZE from or to 8 bits goes only if all
of its 256 values are the same but for the shift of 128 between uint8 and int8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyops.conversion.tflite.flatbuffer import operator_name, schema_module
from tinyops.conversion.tflite.rewrites.bias import scales_of
from tinyops.conversion.tflite.rewrites.graph import drop_dead, producers_of, readers_of
from tinyops.conversion.tflite.rewrites.reshape import RENAMING
from tinyops.conversion.tflite.rewrites.softmax import beta_of, scale_logits

_MOST = 8
"""Conversions that are taken off an end: no converter leaves more than three."""


def strip_input(model: Any) -> list[str]:
    """Make the int8 tensor behind a QUANTIZE the model's input; a note on what it takes."""
    graph = model.subgraphs[0]
    tensor = int(graph.inputs[0])
    reading = readers_of(model)
    readers = reading.pop(tensor, [])
    while len(readers) == 1 and operator_name(model, readers[0]) in RENAMING:
        # Taken out of the table, an operator is met once, also in a circle.
        readers = reading.pop(readers[0].outputs[0], [])
    if not readers or any(operator_name(model, each) != "QUANTIZE" for each in readers):
        return []
    targets = [each.outputs[0] for each in readers]
    kept = graph.tensors[targets[0]]
    feeding = _feeding(graph.tensors[tensor], kept)
    kinds = {(graph.tensors[index].type, _scale(graph.tensors[index])) for index in targets}
    if feeding is None or len(kinds) > 1 or graph.outputs[0] in targets:
        return []
    for operator in graph.operators:
        operator.inputs = [targets[0] if index in targets else index for index in operator.inputs]
    graph.inputs = [targets[0]]
    graph.operators = [each for each in graph.operators if each not in readers]
    drop_dead(model)
    return [f"{each.label} removed: {feeding}" for each in readers]


def strip_output(model: Any) -> list[str]:
    """Make the int8 logits before SOFTMAX, DEQUANTIZE and QUANTIZE the model's output."""
    graph = model.subgraphs[0]
    removed: list[Any] = []
    while (last := _last_conversion(model, removed)) is not None:
        removed.append(last)
        graph.outputs = [int(last.inputs[0])]
        drop_dead(model)
    beta, softmax = 1.0, ""
    for operator in removed:
        if operator_name(model, operator) == "SOFTMAX":
            beta, softmax = beta * beta_of(operator), operator.label
    if beta != 1.0:
        scale_logits(model, graph.outputs[0], beta, softmax)
    scale, zero = _scale(graph.tensors[graph.outputs[0]]) or (0.0, 0)
    read = f"the output is its int8 input, of scale {scale:.6g} and zero point {zero}"
    with_beta = f", beta {beta:g} included" if beta != 1.0 else ""
    return [
        f"{each.label} removed: {read}{with_beta if each.label == softmax else ''}"
        for each in removed
    ]


def _last_conversion(model: Any, removed: list[Any]) -> Any:
    """The operator at the end that only converts what the layer before it makes, or None.

    One SOFTMAX: the shares of shares have another order of magnitude than those of logits.
    """
    graph, types = model.subgraphs[0], schema_module().TensorType
    producers = producers_of(model)
    operator = producers.pop(graph.outputs[0], None)
    while operator is not None and operator_name(model, operator) in RENAMING:
        operator = producers.pop(operator.inputs[0], None)
    if operator is None or operator.inputs[0] not in producers or len(removed) == _MOST:
        return None
    name = operator_name(model, operator)
    source, target = (graph.tensors[each[0]] for each in (operator.inputs, operator.outputs))
    if name == "SOFTMAX":
        first = all(operator_name(model, each) != "SOFTMAX" for each in removed)
        return operator if first and target.type in (source.type, types.INT16) else None
    shifts = name == "QUANTIZE" and _shift(source, target) is not None
    return operator if source.type == types.INT8 and (name == "DEQUANTIZE" or shifts) else None


def _feeding(given: Any, kept: Any) -> str | None:
    """Instruction to feed `kept` instead of `given`; None where a rescaling would be lost."""
    types, quantised = schema_module().TensorType, _scale(kept)
    if kept.type != types.INT8 or quantised is None:
        return None
    scale, zero = quantised
    if given.type == types.FLOAT32:
        return f"the input is int8, feed round(x / {scale:.9g}){_signed(zero)} for a float32 x"
    shift = _shift(given, kept)
    if shift is None:
        return None
    return f"the input is int8, feed x{_signed(shift)} for a uint8 x" if shift else "no effect"


def _signed(number: int) -> str:
    return f" {'-' if number < 0 else '+'} {abs(number)}" if number else ""


def _shift(source: Any, target: Any) -> int | None:
    """The amount that QUANTIZE adds to all 256 values, if it is the difference of the two types."""
    types = schema_module().TensorType
    lowest = {types.INT8: -128, types.UINT8: 0}
    before, after = _scale(source), _scale(target)
    if before is None or after is None or not {source.type, target.type} <= set(lowest):
        return None
    values = np.arange(256) + lowest[source.type]
    steps = (values - before[1]) * (before[0] / after[0])
    rounded = np.copysign(np.floor(np.abs(steps) + 0.5), steps) + after[1]
    shift = lowest[target.type] - lowest[source.type]
    return shift if np.array_equal(rounded, values + shift) else None


def _scale(tensor: Any) -> tuple[float, int] | None:
    """(scale, zero point) of a tensor that has one of each."""
    scales, points = scales_of(tensor), getattr(tensor.quantization, "zeroPoint", None)
    points = [] if points is None or isinstance(points, int) else points
    if len(scales) != 1 or len(points) > 1 or not 0 < scales[0] < np.inf:
        return None
    return float(scales[0]), int(points[0]) if len(points) else 0
