"""Read and write .tflite files as plain objects, by the schema that tflite_micro ships."""

from __future__ import annotations

from typing import Any

from tinyops.confinement import Limits
from tinyops.conversion.tflite.confined import confine
from tinyops.conversion.tflite.errors import ConversionError

MAX_BYTES = 16 << 20
"""Of a .tflite: four times the largest flash of the catalogue."""
_READING = Limits(memory_bytes=384 << 20, processor_seconds=20, message_bytes=MAX_BYTES + 65536)
_NAME = 100


def read_model(tflite: bytes) -> Any:
    """The ModelT of a .tflite, whoever made it.

    It is read and written in a child first: offsets that share or loop make a small file into a
    model without end. What the child could do within its limits, this process can.

    Raises
    ------
    ConversionError
        Not a .tflite file, a damaged one, or one above the limits.
    """
    if len(tflite) > MAX_BYTES:
        raise ConversionError(
            f"the model has {len(tflite):,} bytes, at most {MAX_BYTES:,} are read",
            "no board has that much flash: give a smaller model",
        )
    if tflite[4:8] != b"TFL3":
        raise ConversionError("no TensorFlow Lite model: TFL3 is missing", "give a .tflite file")
    confine("the reader of .tflite files", f"{__name__}:read_and_write", tflite, limits=_READING)
    return parse(tflite)


def read_and_write(tflite: bytes) -> None:
    """Whether both end: run in a child by `read_model`."""
    model = parse(tflite)
    try:
        write_model(model)
    except MemoryError:
        raise
    except Exception as error:  # an object of the wrong kind, a number that does not fit its field
        raise _damaged(error) from None


def parse(tflite: bytes) -> Any:
    """The ModelT, without a limit: for bytes of our own, or in a child."""
    schema = schema_module()
    try:
        return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(tflite, 0))
    except MemoryError:
        raise
    except Exception as error:  # the flatbuffer reader raises whatever the bytes lead it to
        raise _damaged(error) from None


def _damaged(error: Exception) -> ConversionError:
    return ConversionError(f"damaged .tflite: {_shown(str(error))}", "export the model again")


def write_model(model: Any) -> bytes:
    """The bytes of a ModelT."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def schema_module() -> Any:
    """The generated schema classes."""
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated

    return schema_py_generated


def listed(values: Any) -> Any:
    """A vector of an object: the schema gives None for a missing one, 0 for an empty one."""
    return [] if values is None or isinstance(values, int) else values


def builtin_code(model: Any, operator: Any) -> int:
    """The builtin operator of a node; old files have it in the deprecated field."""
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def operator_name(model: Any, operator: Any) -> str:
    """`CONV_2D`, or the name of a custom operator."""
    number = builtin_code(model, operator)
    for name, value in vars(schema_module().BuiltinOperator).items():
        if value == number and name != "CUSTOM":
            return name
    custom = model.operatorCodes[operator.opcodeIndex].customCode
    return _shown(custom) if custom else f"operator {number}"


def operator_label(model: Any, number: int) -> str:
    """`CONV_2D (operator 3, makes conv2d/Relu)` of the first subgraph."""
    graph = model.subgraphs[0]
    operator = graph.operators[number]
    tensors = 0 if graph.tensors is None else len(graph.tensors)
    outputs = operator.outputs
    made = -1 if outputs is None or isinstance(outputs, int) or not len(outputs) else outputs[0]
    known = 0 <= made < tensors and graph.tensors[made] is not None
    makes = f", makes {tensor_name(graph.tensors[made])}" if known else ""
    return f"{operator_name(model, operator)} (operator {number}{makes})"


def reader_of(model: Any, tensor: int) -> int | None:
    """The number of the first operator of the first subgraph that reads a tensor."""
    for number, operator in enumerate(model.subgraphs[0].operators):
        if tensor in listed(operator.inputs):
            return number
    return None


def operators_named(tflite: bytes, name: str) -> list[str]:
    """Labels of all operators of one kind in the first subgraph; without a limit, as `parse`."""
    model = parse(tflite)
    operators = model.subgraphs[0].operators
    return [
        operator_label(model, number)
        for number, operator in enumerate(operators)
        if operator_name(model, operator) == name
    ]


def tensor_name(tensor: Any) -> str:
    """The tensor's name as text."""
    return _shown(tensor.name) or "without a name"


def _shown(name: Any) -> str:
    # Names come with the model: they may hold line ends, escape sequences of a terminal, or a book.
    text = name.decode(errors="replace") if isinstance(name, bytes) else name or ""
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: _NAME + 1])
    return text if len(text) <= _NAME else text[: _NAME - 1] + "…"
