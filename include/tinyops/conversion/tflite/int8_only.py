"""A model that is int8 throughout: its ends, and what each operator reads.

The operators have their labels (`rewrites.graph.label_operators`), since what stood at the ends
may be gone.
"""

from __future__ import annotations

import math
from typing import Any

from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import (
    listed,
    operator_name,
    schema_module,
    tensor_name,
)
from tinyops.conversion.tflite.rewrites.bias import scales_of
from tinyops.conversion.tflite.rewrites.graph import producers_of, readers_of

_FULL_INT8 = (
    "convert it with a representative dataset, TFLITE_BUILTINS_INT8 and int8 as "
    "inference_input_type and inference_output_type"
)


_VERBS = {"input": "reads", "output": "makes"}


def require_int8(model: Any) -> None:
    """Refuse float and other types, open sizes and batches; names the tensor and its operator.

    Raises
    ------
    ConversionError
        Says which.
    """
    graph = model.subgraphs[0]
    _require_not_hybrid(model, graph)
    source, target = graph.inputs[0], graph.outputs[0]
    reader = next(iter(readers_of(model).get(source, [])), None)
    _require_int8_end(graph, source, "input", reader, model)
    _require_int8_end(graph, target, "output", producers_of(model).get(target), model)


def _require_not_hybrid(model: Any, graph: Any) -> None:
    types = schema_module().TensorType
    for operator in graph.operators:
        read = [graph.tensors[index] for index in listed(operator.inputs) if index >= 0]
        weights = [t for t in read if t.type == types.INT8 and _has_data(model, t)]
        floats = [t for t in read if t.type == types.FLOAT32 and not _has_data(model, t)]
        if weights and floats:
            raise ConversionError(
                f"hybrid model: {operator.label} has INT8 weights "
                f"{tensor_name(weights[0])} and FLOAT32 input {tensor_name(floats[0])}",
                _FULL_INT8,
            )


def _require_int8_end(graph: Any, index: int, role: str, operator: Any, model: Any) -> None:
    types = schema_module().TensorType
    names = {value: name for name, value in vars(types).items() if name.isupper()}
    tensor = graph.tensors[index]
    label = f"{role} {tensor_name(tensor)}"
    by = "" if operator is None else f": {operator.label} {_VERBS[role]} it"
    if tensor.type != types.INT8:
        rescales = operator is not None and operator_name(model, operator) == "QUANTIZE"
        change = _change(graph, operator, names) if rescales else ""
        raise ConversionError(
            f"{label} is {names.get(tensor.type, f'of type {tensor.type}')}, not INT8{by}{change}",
            _FULL_INT8,
        )
    shape = [int(size) for size in listed(tensor.shape)]
    # Only the batch may be open: it is fixed to 1. Other open sizes stand as 1 in `shape`.
    open_ = [int(size) for size in listed(tensor.shapeSignature)][1:]
    if not shape or shape[0] != 1 or any(size < 1 for size in shape) or -1 in open_:
        shown = [int(size) for size in listed(tensor.shapeSignature)] or shape
        raise ConversionError(
            f"{label} has shape {shown[:8]}{by}", "export the model with fixed sizes and batch 1"
        )
    _require_scale(label, tensor.quantization, by)


def _change(graph: Any, quantize: Any, names: dict[int, str]) -> str:
    before, after = (graph.tensors[each[0]] for each in (quantize.inputs, quantize.outputs))
    if after.type != schema_module().TensorType.INT8 and before.type != after.type:
        return f", as {names.get(after.type, after.type)}"
    scales = [", ".join(f"{scale:.6g}" for scale in scales_of(end)[:2]) for end in (before, after)]
    return f" and rescales it from {scales[0] or 'none'} to {scales[1] or 'none'}"


def _require_scale(label: str, quantization: Any, by: str) -> None:
    scales = listed(quantization.scale) if quantization is not None else []
    points = listed(quantization.zeroPoint) if quantization is not None else []
    one = len(scales) == 1 and len(points) <= 1
    if not one or not 0 < float(scales[0]) < math.inf or not all(-128 <= p <= 127 for p in points):
        raise ConversionError(
            f"{label} has no int8 scale and zero point (scales "
            f"{[float(s) for s in scales[:4]]}, zero points {[int(p) for p in points[:4]]}){by}",
            _FULL_INT8,
        )


def _has_data(model: Any, tensor: Any) -> bool:
    return bool(len(listed(model.buffers[tensor.buffer].data)))
