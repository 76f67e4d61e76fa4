"""Shapes are constants, and whatever only renames dimensions is a RESHAPE."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyops.conversion.tflite.flatbuffer import builtin_code, operator_name, schema_module
from tinyops.conversion.tflite.rewrites.graph import (
    add_constant,
    code_index,
    drop_dead,
    is_constant,
)

RENAMING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def fix_reshapes(model: Any) -> list[str]:
    """Give every such operator its constant output shape.

    Keras computes a Flatten's shape from the open batch (SHAPE, STRIDED_SLICE, PACK); with batch 1
    it is a constant, and what computed it is dead.
    """
    schema = schema_module()
    graph = model.subgraphs[0]
    reshape = schema.BuiltinOperator.RESHAPE
    for operator in graph.operators:
        if operator_name(model, operator) not in RENAMING:
            continue
        shape = [int(size) for size in graph.tensors[operator.outputs[0]].shape]
        if builtin_code(model, operator) != reshape:
            operator.opcodeIndex = code_index(model, reshape, 1)
            operator.builtinOptions = None
            operator.inputs = [operator.inputs[0]]
        set_shape(operator, shape)
        if len(operator.inputs) > 1 and not is_constant(model, operator.inputs[1]):
            index = add_constant(model, np.array(shape), f"shape{operator.outputs[0]}")
            operator.inputs = [operator.inputs[0], index]
    drop_dead(model)
    return []


def set_shape(operator: Any, shape: list[int]) -> None:
    """The output shape of a RESHAPE in its options, which older converters leave out."""
    schema = schema_module()
    if operator.builtinOptions is None:
        operator.builtinOptions = schema.ReshapeOptionsT()
        operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions.newShape = shape
