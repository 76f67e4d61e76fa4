"""Which operators the installed runtimes have: asked with models of one operator, not remembered.

A runtime looks its operator up before it reads anything else of a node, so a model that makes no
sense is enough: what counts is whether it says that it has not found the operator.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from tinyops.confinement import Limits
from tinyops.conversion.tflite.confined import Confined, confine
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import schema_module, write_model
from tinyops.conversion.tflite.runtime_errors import said

_PLACEHOLDERS = frozenset(
    {"CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES", "CONCAT_EMBEDDINGS", "CALL"}
)
_VERSIONS = range(1, 16)
_NOT_FOUND = "Didn't find op"
_LIMITS = Limits(processor_seconds=20, wall_seconds=120)


@dataclass(frozen=True)
class OperatorSet:
    """What one runtime has. `fast` are those for which it has a kernel for Cortex-M."""

    runtime: str
    package: str
    version: str
    operators: frozenset[str]
    fast: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {
            "runtime": self.runtime,
            "package": self.package,
            "version": self.version,
            "operators": sorted(self.operators),
            "fast": sorted(self.fast),
        }


def builtin_operators() -> dict[str, int]:
    """Name and code of every operator of the schema: what TensorFlow's converter may write."""
    found = vars(schema_module().BuiltinOperator)
    return {
        name: code for name, code in found.items() if name.isupper() and name not in _PLACEHOLDERS
    }


@cache
def litert_set() -> OperatorSet:
    """TensorFlow Lite's, as LiteRT has it."""
    found = _probed("LiteRT", "litert")
    return OperatorSet("LiteRT", "ai-edge-litert", version("ai-edge-litert"), found)


@cache
def tflm_set() -> OperatorSet:
    """TensorFlow Lite Micro's: all that its Python package registers."""
    found = _probed("TensorFlow Lite Micro", "tflm")
    return OperatorSet("TensorFlow Lite Micro", "tflite_micro", version("tflite_micro"), found)


@cache
def aot_set() -> OperatorSet:
    """The ahead-of-time compiler's, and which of them CMSIS-NN may compute."""
    found, fast = confine("bakenn", f"{__name__}:ask_bakenn", limits=_LIMITS)
    return OperatorSet(
        "ahead of time", "bakenn", version("bakenn"), frozenset(found), frozenset(fast)
    )


def _probed(what: str, method: str) -> frozenset[str]:
    found, child = set(), None
    for name, code in builtin_operators().items():
        try:
            child = child or Confined(what, f"{__name__}:Probe", limits=_LIMITS)
            if child.call(method, code):
                found.add(name)
        except ConversionError:
            # It fell over the node, so it had found the operator.
            found.add(name)
            child = None
    return frozenset(found)


class Probe:
    """Runs in a child."""

    def litert(self, code: int) -> bool:
        """Whether LiteRT finds the operator in any version."""
        from ai_edge_litert.interpreter import Interpreter

        return any(
            self._finds(lambda model: Interpreter(model_content=model, num_threads=1), code, number)
            for number in _VERSIONS
        )

    def tflm(self, code: int) -> bool:
        """Whether TensorFlow Lite Micro finds it; it asks for no version."""
        from tflite_micro import runtime

        return self._finds(runtime.Interpreter.from_bytes, code, 1, arena_size=1 << 16)

    def _finds(self, load: Callable[..., Any], code: int, number: int, **more: int) -> bool:
        os.lseek(2, 0, os.SEEK_SET)  # what was said before does not count
        try:
            load(one_operator(code, number), **more)
        except (RuntimeError, ValueError) as error:
            return _NOT_FOUND not in f"{said()}{error}"
        return True


def ask_bakenn() -> tuple[list[str], list[str]]:
    """(operators that it imports, those that it may give to CMSIS-NN). Runs in a child."""
    from bakenn.backend.cmsis_nn import bundle
    from bakenn.frontends.tflite.importer import import_tflite

    found = []
    for name, code in builtin_operators().items():
        try:
            import_tflite(one_operator(code, 1))
        except Exception as error:
            if "unsupported TFLite builtin operator code" in str(error):
                continue
        found.append(name)
    # Its kernels have its own names: cmsis_nn.average_pool2d_s8.v4.0.0.
    kernels = {kernel.split(".")[1].removesuffix("_s8") for kernel in bundle._KERNEL_SOURCES}
    kernels |= {"fully_connected"} if "linear" in kernels else set()
    fast = [name for name in found if name.lower().replace("_2d", "2d") in kernels]
    return found, fast


def one_operator(code: int, number: int) -> bytes:
    """A .tflite of one operator in a version, from int8 [1, 4] to int8 [1, 4]."""
    schema = schema_module()
    model, graph = schema.ModelT(), schema.SubGraphT()
    opcode, operator = schema.OperatorCodeT(), schema.OperatorT()
    opcode.builtinCode, opcode.deprecatedBuiltinCode = code, min(code, 127)
    opcode.version = number
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    graph.tensors = [_tensor(schema, name) for name in ("input", "output")]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    model.version, model.operatorCodes = 3, [opcode]
    model.buffers, model.subgraphs = [schema.BufferT()], [graph]
    return write_model(model)


def _tensor(schema: Any, name: str) -> Any:
    tensor, quantization = schema.TensorT(), schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [1.0], [0]
    tensor.name, tensor.shape, tensor.buffer = name, [1, 4], 0
    tensor.type, tensor.quantization = schema.TensorType.INT8, quantization
    return tensor
