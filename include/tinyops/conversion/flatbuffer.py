"""Read and write .tflite files as plain objects, by the schema that tflite_micro ships."""

from __future__ import annotations

from typing import Any

from tinyops.conversion.errors import ConversionError


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
    return custom.decode() if custom else f"operator {number}"


def tensor_name(tensor: Any) -> str:
    """The tensor's name as text."""
    return tensor.name.decode(errors="replace") if isinstance(tensor.name, bytes) else tensor.name
