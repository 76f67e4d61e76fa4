"""Read and write .tflite files as plain objects, by the schema that tflite_micro ships."""

from __future__ import annotations

from typing import Any

from tinyops.conversion.errors import ConversionError

_NAME = 100


def read_model(tflite: bytes) -> Any:
    """The ModelT of a .tflite.

    Raises
    ------
    ConversionError
        Not a .tflite file, or a damaged one.
    """
    schema = schema_module()
    if tflite[4:8] != b"TFL3":
        raise ConversionError("no TensorFlow Lite model: TFL3 is missing", "give a .tflite file")
    try:
        return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(tflite, 0))
    except Exception as error:  # the flatbuffer reader raises whatever the bytes lead it to
        raise ConversionError(f"damaged .tflite: {error}", "export the model again") from None


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


def tensor_name(tensor: Any) -> str:
    """The tensor's name as text."""
    return _shown(tensor.name) or "without a name"


def _shown(name: Any) -> str:
    # Names come with the model: they may hold line ends, escape sequences of a terminal, or a book.
    text = name.decode(errors="replace") if isinstance(name, bytes) else name or ""
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: _NAME + 1])
    return text if len(text) <= _NAME else text[: _NAME - 1] + "…"
