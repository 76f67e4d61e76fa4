"""What LiteRT and TensorFlow Lite Micro say about a model, with the layer that they mean."""

from __future__ import annotations

import os
import re

from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import operator_label, operators_named, parse, tensor_name

_MISSING = re.compile(
    r"Didn't find op for builtin opcode '(\w+)'(?: version '(\d+)')?|"
    r"Unsupported custom operator: (\w+)|"
    r"Encountered unresolved custom op: (\w+)"
)
_NODE = re.compile(r"Node (?:number )?(?:(\d+) \(\w+\)|\w+ \(number (\d+)f?\)) failed")
_TENSOR = re.compile(r"[Tt]ensor (\d+)")
_SOURCE = re.compile(r"\S*/?[\w.-]+\.(?:cc|h|cpp):\d+:? ?|\x1b\[[0-9;]*m")
_SHOWN = 200


def said() -> str:
    """What this process, a child of `confined`, has written to its standard error."""
    return os.pread(2, os.lseek(2, 0, os.SEEK_CUR), 0).decode(errors="replace")


def refusal(runtime: str, tflite: bytes, error: Exception) -> ConversionError:
    """One line from an exception of a runtime and from what it has written; only in a child."""
    text = f"{said()}\n{error}"
    missing = _MISSING.search(text)
    if missing:
        builtin, number, *customs = missing.groups()
        name = builtin or next(filter(None, customs))
        labels = operators_named(tflite, name)
        which = f" in version {number}" if number else ""
        return ConversionError(
            f"operator {labels[0] if labels else name} is not in {runtime}{which}",
            f"`tinyops ops` says what to use instead of {name}",
        )
    node = _NODE.search(text)
    reason = _reason(text)
    if node:
        label = _label(tflite, int(node[1] or node[2]))
        return ConversionError(f"{runtime} refuses {label}: {reason}", "change that layer")
    tensor = _TENSOR.search(reason)
    named = f" (tensor {_tensor(tflite, int(tensor[1]))})" if tensor else ""
    return ConversionError(
        f"{runtime} refuses the model: {reason}{named}", "export the model again"
    )


def _label(tflite: bytes, number: int) -> str:
    try:
        return operator_label(parse(tflite), number)
    except Exception:  # the runtime counts an operator that is not there
        return f"operator {number}"


def _tensor(tflite: bytes, number: int) -> str:
    try:
        return tensor_name(parse(tflite).subgraphs[0].tensors[number])
    except Exception:  # as above
        return str(number)


def _reason(text: str) -> str:
    # The first line says what is wrong; those below it say who noticed.
    for line in _SOURCE.sub("", text).splitlines():
        plain = " ".join("".join(c if c.isprintable() else " " for c in line).split())
        if plain and not plain.startswith(("INFO:", "WARNING:", "Traceback")):
            return plain[:_SHOWN].removeprefix("ERROR: ")
    return "no reason given"
