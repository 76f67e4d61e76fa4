"""Parts of a graph that the rewrites read and add: constants, tensors, operators."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.flatbuffer import listed, operator_label, schema_module


def is_constant(model: Any, index: int) -> bool:
    """Whether a tensor has its values in the file."""
    return model.buffers[model.subgraphs[0].tensors[index].buffer].data is not None


def constant(model: Any, index: int, kind: str) -> NDArray[Any]:
    """A constant tensor's values; `kind` is a numpy type such as "<i1"."""
    tensor = model.subgraphs[0].tensors[index]
    data = bytes(bytearray(model.buffers[tensor.buffer].data))
    return np.frombuffer(data, kind).reshape(tensor.shape)


def add_constant(model: Any, values: NDArray[np.int32], name: str) -> int:
    """The index of a new INT32 constant."""
    schema = schema_module()
    tensor = schema.TensorT()
    tensor.shape = list(values.shape)
    tensor.type = schema.TensorType.INT32
    tensor.buffer = add_buffer(model, values.astype("<i4").tobytes())
    tensor.name = name
    return _append(model, tensor)


def add_buffer(model: Any, data: bytes) -> int:
    """The index of a new buffer."""
    buffer = schema_module().BufferT()
    buffer.data = list(data)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_tensor(model: Any, like: int, shape: Sequence[int], name: str) -> int:
    """The index of a new activation with the type and quantisation of another."""
    source = model.subgraphs[0].tensors[like]
    tensor = schema_module().TensorT()
    tensor.shape = [int(size) for size in shape]
    tensor.type = source.type
    tensor.buffer = 0
    tensor.name = name
    tensor.quantization = source.quantization
    return _append(model, tensor)


def new_operator(model: Any, name: str, inputs: Sequence[int], output: int, of: Any) -> Any:
    """An operator such as PAD, with the version that INT8 needs; without options.

    `of` is the operator of the model that it is made for: messages name that one.
    """
    schema = schema_module()
    builtin = getattr(schema.BuiltinOperator, name)
    operator = schema.OperatorT()
    operator.opcodeIndex = code_index(model, builtin, {"PAD": 2}.get(name, 1))
    operator.inputs = [int(index) for index in inputs]
    operator.outputs = [int(output)]
    operator.label = of.label
    return operator


def code_index(model: Any, builtin: int, version: int) -> int:
    """The index of an operator code, added if the model has none."""
    for index, code in enumerate(model.operatorCodes):
        known = max(code.builtinCode, code.deprecatedBuiltinCode)
        if known == builtin and code.version == version and code.customCode is None:
            return index
    code = schema_module().OperatorCodeT()
    code.builtinCode = builtin
    code.deprecatedBuiltinCode = min(builtin, 127)  # a signed byte in files of schema 3
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def label_operators(model: Any) -> None:
    """Give each operator its label in the model as it was read; rewrites renumber them."""
    for number, operator in enumerate(model.subgraphs[0].operators):
        operator.label = operator_label(model, number)
        operator.inputs = [int(index) for index in listed(operator.inputs)]
        operator.outputs = [int(index) for index in listed(operator.outputs)]


def producers_of(model: Any) -> dict[int, Any]:
    """Tensor -> the operator that makes it; constants and the model's input are not in it."""
    return {made: each for each in model.subgraphs[0].operators for made in each.outputs}


def readers_of(model: Any) -> dict[int, list[Any]]:
    """Tensor -> the operators that read it."""
    readers: dict[int, list[Any]] = {}
    for operator in model.subgraphs[0].operators:
        for index in set(operator.inputs):
            readers.setdefault(index, []).append(operator)
    return readers


def copy_tensor(model: Any, index: int) -> int:
    """The index of a copy with a shape and quantisation of its own, and the same buffer."""
    tensor = copy(model.subgraphs[0].tensors[index])
    tensor.quantization = copy(tensor.quantization)
    return _append(model, tensor)


def drop_dead(model: Any) -> list[Any]:
    """Remove and return the operators whose results nothing reads."""
    graph = model.subgraphs[0]
    needed = set(graph.outputs)
    kept, dead = [], []
    for operator in reversed(graph.operators):
        if needed.intersection(operator.outputs):
            needed.update(operator.inputs)
            kept.append(operator)
        else:
            dead.append(operator)
    graph.operators = kept[::-1]
    return dead[::-1]


def _append(model: Any, tensor: Any) -> int:
    tensors = model.subgraphs[0].tensors
    tensors.append(tensor)
    return len(tensors) - 1
