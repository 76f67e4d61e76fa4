"""Damaged and hostile models, drawn by hypothesis from small sound ones."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.support.chip import MODELS
from tinyops.conversion.tflite.flatbuffer import parse, schema_module, write_model

SOUND = tuple((MODELS / f"{name}.tflite").read_bytes() for name in ("tiny", "other"))
_NUMBERS = st.one_of(
    st.integers(-3, 9), st.sampled_from([127, 128, 255, 65535, 1 << 20, 2**31 - 1, -(2**31)])
)


@st.composite
def flipped(draw: st.DrawFn) -> bytes:
    """A few bits are others."""
    data = bytearray(draw(st.sampled_from(SOUND)))
    for bit in draw(st.lists(st.integers(0, 8 * len(data) - 1), min_size=1, max_size=8)):
        data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


@st.composite
def cut(draw: st.DrawFn) -> bytes:
    """The end is missing, or zeros."""
    data = draw(st.sampled_from(SOUND))
    kept = data[: draw(st.integers(8, len(data) - 1))]
    return kept.ljust(len(data) * draw(st.integers(0, 1)), b"\0")


@st.composite
def redirected(draw: st.DrawFn) -> bytes:
    """Offsets and lengths are those of other places, or of no place."""
    data = bytearray(draw(st.sampled_from(SOUND)))
    words = st.integers(0, len(data) // 4 - 1)
    for _ in range(draw(st.integers(1, 4))):
        here, there = 4 * draw(words), 4 * draw(words)
        kind = draw(st.sampled_from(["swap", "copy", "huge", "loop"]))
        if kind == "swap":
            data[here : here + 4], data[there : there + 4] = (
                data[there : there + 4],
                data[here : here + 4],
            )
        elif kind == "copy":
            data[here : here + 4] = data[there : there + 4]
        elif kind == "huge":
            number = draw(st.sampled_from([2**31 - 1, 2**31, 2**32 - 1, 2**28, 2**16]))
            data[here : here + 4] = struct.pack("<I", number)
        else:
            data[here : here + 4] = struct.pack("<I", (there - here) % 2**32)
    return bytes(data)


@st.composite
def reshaped(draw: st.DrawFn) -> bytes:
    """Written by the schema: sound as a file, wrong as a model."""
    model = parse(draw(st.sampled_from(SOUND)))
    for _ in range(draw(st.integers(1, 3))):
        if model.subgraphs and model.subgraphs[0].operators:
            draw(st.sampled_from(_CHANGES))(draw, model)
    try:
        return write_model(model)
    except Exception:  # the field does not take the number: nothing to test
        return write_model(parse(SOUND[0]))


def _shape(draw: st.DrawFn, model: Any) -> None:
    tensor = draw(st.sampled_from(model.subgraphs[0].tensors))
    shape = draw(st.lists(_NUMBERS, max_size=6))
    if draw(st.booleans()):
        tensor.shape = shape
    else:
        tensor.shapeSignature = shape


def _type(draw: st.DrawFn, model: Any) -> None:
    tensor = draw(st.sampled_from(model.subgraphs[0].tensors))
    tensor.type = draw(st.integers(0, 25))


def _scale(draw: st.DrawFn, model: Any) -> None:
    tensor = draw(st.sampled_from(model.subgraphs[0].tensors))
    if draw(st.booleans()):
        tensor.quantization = None
    elif tensor.quantization is not None:
        number = st.floats(width=32, allow_nan=True)
        tensor.quantization.scale = draw(st.lists(number, max_size=3))
        tensor.quantization.zeroPoint = draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3))
        tensor.quantization.quantizedDimension = draw(_NUMBERS)


def _buffer(draw: st.DrawFn, model: Any) -> None:
    tensor = draw(st.sampled_from(model.subgraphs[0].tensors))
    if draw(st.booleans()):
        tensor.buffer = draw(st.integers(0, len(model.buffers) + 1))
    else:
        model.buffers[tensor.buffer].data = list(draw(st.binary(max_size=40)))


def _wires(draw: st.DrawFn, model: Any) -> None:
    graph = model.subgraphs[0]
    count = len(graph.tensors)
    wires = draw(st.lists(st.integers(-2, count), max_size=5))
    which = draw(st.sampled_from(["inputs", "outputs", "graph inputs", "graph outputs"]))
    target = graph if which.startswith("graph") else draw(st.sampled_from(graph.operators))
    setattr(target, which.split()[-1], wires)


def _operator(draw: st.DrawFn, model: Any) -> None:
    code = draw(st.sampled_from(model.operatorCodes))
    number = draw(st.integers(0, 209))
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
    code.version = draw(st.integers(0, 9))


def _options(draw: st.DrawFn, model: Any) -> None:
    operator = draw(st.sampled_from(model.subgraphs[0].operators))
    options = operator.builtinOptions
    if options is None or draw(st.integers(0, 3)) == 0:
        operator.builtinOptions, operator.builtinOptionsType = None, 0
        return
    plain = sorted(name for name, value in vars(options).items() if isinstance(value, int))
    if plain:
        setattr(options, draw(st.sampled_from(plain)), draw(st.integers(-3, 100)))


def _order(draw: st.DrawFn, model: Any) -> None:
    graph = model.subgraphs[0]
    graph.operators = draw(st.permutations(graph.operators))[: draw(st.integers(0, 20))]


def _name(draw: st.DrawFn, model: Any) -> None:
    tensor = draw(st.sampled_from(model.subgraphs[0].tensors))
    tensor.name = draw(st.sampled_from(["", "\n\n", "\x1b[2J", "x" * 5000, b"\xff\xfe", "[red]"]))


def _copies(draw: st.DrawFn, model: Any) -> None:
    model.subgraphs = model.subgraphs * draw(st.sampled_from([0, 2, 3]))


_CHANGES = (
    _shape,
    _type,
    _scale,
    _buffer,
    _wires,
    _operator,
    _options,
    _order,
    _name,
    _copies,
)

HOSTILE = st.one_of(flipped(), cut(), redirected(), reshaped(), reshaped())


def dense(inputs: int, outputs: int) -> bytes:
    """One sound FULLY_CONNECTED layer of zeros."""
    schema = schema_module()
    model, graph = schema.ModelT(), schema.SubGraphT()
    code, operator, weights = schema.OperatorCodeT(), schema.OperatorT(), schema.BufferT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 6
    operator.inputs, operator.outputs, operator.opcodeIndex = [0, 1, -1], [2], 0
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    weights.data = np.zeros(inputs * outputs, np.uint8)
    for name, shape in (
        ("input", [1, inputs]),
        ("kernel", [outputs, inputs]),
        ("logits", [1, outputs]),
    ):
        tensor, quantization = schema.TensorT(), schema.QuantizationParametersT()
        quantization.scale, quantization.zeroPoint = [0.5], [0]
        tensor.name, tensor.shape, tensor.type = name, shape, schema.TensorType.INT8
        tensor.quantization, tensor.buffer = quantization, int(name == "kernel")
        graph.tensors = [*(graph.tensors or []), tensor]
    graph.inputs, graph.outputs, graph.operators = [0], [2], [operator]
    model.version, model.operatorCodes = 3, [code]
    model.buffers, model.subgraphs = [schema.BufferT(), weights], [graph]
    return write_model(model)


def many_views() -> bytes:
    """A vector of tensors whose entries are all the same tensor, with a name of half the file: as
    an object it is larger than any memory."""
    schema = schema_module()
    model = parse(SOUND[0])
    model.subgraphs[0].tensors[0].name = "x" * 100_000
    data = bytearray(write_model(model))
    graph = schema.Model.GetRootAsModel(data, 0).Subgraphs(0)
    field = graph._tab.Offset(4)
    start = graph._tab.Vector(field)
    first = start + struct.unpack_from("<I", data, start)[0]
    # A new vector at the end, 50,000 long; offsets are forward only, so the tensor goes behind it.
    count = 50_000
    vector = len(data) + (-len(data)) % 4
    data += bytes(vector - len(data)) + struct.pack("<I", count)
    table = bytes(data)
    place = vector + 4 + 4 * count
    moved = place + (first % 4)
    for number in range(count):
        data += struct.pack("<I", moved - (vector + 4 + 4 * number))
    shift = moved - first
    data += bytes(moved - len(data)) + table[first:vector]
    # The vtable of the moved table is reached by a signed distance.
    (back,) = struct.unpack_from("<i", table, first)
    struct.pack_into("<i", data, moved, back + shift)
    entry = graph._tab.Pos + field
    struct.pack_into("<I", data, entry, vector - entry)
    return bytes(data)
