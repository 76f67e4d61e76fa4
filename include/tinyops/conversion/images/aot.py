"""Compile a canonical model to C with bakenn and CMSIS-NN for Cortex-M4."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyops.conversion.images.lowering import lower
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import operator_label, parse

if TYPE_CHECKING:
    from bakenn.plan import ExecutionPlan

NAME = "model"
_VIEWS = ("portable.flatten_view", "portable.reshape_view")
_CHEAP = "portable.pad2d"
_LOCATION = re.compile(r"subgraph\[0\]/operator\[\d+\]: |tflite_\d+_\w+: ")
"""Where the compiler found it, in numbers of the canonical form."""


@dataclass(frozen=True)
class Step:
    """A call of a kernel: the layer's name and the kernel's."""

    name: str
    kernel: str


@dataclass(frozen=True)
class AotModel:
    """Generated C and what the compiler knows of it; sizes in bytes."""

    sources: tuple[Path, ...]
    include_dirs: tuple[Path, ...]
    arena_bytes: int
    constant_bytes: int
    input_bytes: int
    outputs: int
    output_scale: float
    portable_steps: tuple[str, ...]
    """Steps for which CMSIS-NN has no kernel: slower, not wrong."""
    steps: tuple[Step, ...]


def compile_model(tflite: bytes, out_dir: Path) -> AotModel:
    """Write the C of a canonical .tflite into `out_dir`.

    Raises
    ------
    ConversionError
        The compiler refuses the model; the message names the operator.
    """
    import bakenn
    from bakenn.backend.portable_c import generate_portable_c

    options = bakenn.CBackendOptions(
        kernel_policy=bakenn.KernelPolicy.STATIC_PRIORITY,
        target=bakenn.CORTEX_M4,
        enable_cmsis_nn=True,
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    try:
        plan = lower(tflite, NAME)
        made = generate_portable_c(plan, out_dir, model_name=NAME, options=options)
    except bakenn.BakeNNError as error:
        raise ConversionError(
            f"the ahead-of-time compiler refuses the model: {_one_line(error, tflite)}",
            "change that layer, or use a board with runtime tflm",
        ) from None
    except (ArithmeticError, LookupError, TypeError, ValueError, AssertionError) as error:
        # bakenn 1.0 checks what it imports, and it has not been told of every model.
        raise ConversionError(
            f"the ahead-of-time compiler fails on the model: {_one_line(error, tflite)}",
            "use a board with runtime tflm, and report the model",
        ) from None
    report = made.memory_report
    support = [path for path in made.support_sources if path.suffix == ".c"]
    header = made.header.read_text()
    steps = _steps(report, plan)
    return AotModel(
        sources=(made.model_source, made.weights_source, made.kernels_source, *support),
        include_dirs=(out_dir, *made.support_include_dirs),
        arena_bytes=report.arena_bytes,
        constant_bytes=report.emitted_constant_payload_bytes,
        input_bytes=report.input_bytes,
        outputs=report.output_bytes,
        output_scale=_output_scale(header),
        portable_steps=tuple(step.name for step in steps if _is_slow(step)),
        steps=steps,
    )


def _is_slow(step: Step) -> bool:
    return step.kernel.startswith("portable.") and not step.kernel.startswith(_CHEAP)


def _output_scale(header: str) -> float:
    found = re.search(r"_OUTPUT_SCALE (\S+?)f?$", header, re.M)
    if found is None:
        raise ConversionError("bakenn's header names no output scale", "use bakenn 1.0.0")
    return float.fromhex(found[1])


def _steps(report: object, plan: ExecutionPlan) -> tuple[Step, ...]:
    """The steps that are code; a view of the step before is none, one of the model's input is."""
    copied = {step.name for step in plan.steps if getattr(step, "materialize", False)}
    text = report.to_text()  # type: ignore[attr-defined]
    found = re.findall(r"^\s*\[\d+\] (\S+): (\S+)", text, re.M)
    return tuple(
        Step(name, kernel)
        for name, kernel in found
        if name in copied or not kernel.startswith(_VIEWS)
    )


def _one_line(error: Exception, tflite: bytes) -> str:
    text = " ".join(f"{error}".split()) or type(error).__name__
    model = parse(tflite)
    number = _operator_meant(text, model)
    if number is not None and number < len(model.subgraphs[0].operators):
        text = f"{operator_label(model, number)}: {_LOCATION.sub('', text)}"
    return text


def _operator_meant(text: str, model: Any) -> int | None:
    """The operator of a message: bakenn says operator[3], tflite_3_conv_2d, tensor 16 or its name.

    It goes through the operators in order, so the first that has the tensor is the refused one.
    """
    found = re.search(r"operator\[(\d+)\]|tflite_(\d+)_", text)
    if found:
        return int(found[1] or found[2])
    indexed = re.search(r"tensor[ _](\d+)\b", text)
    graph = model.subgraphs[0]
    named = [
        (len(name), -index, index)
        for index, tensor in enumerate(graph.tensors)
        if (name := _name(tensor)) and re.search(rf"(^|[ '\"]){re.escape(name)}(__\d+)?\b", text)
    ]
    tensors = {int(indexed[1])} if indexed else {max(named)[2]} if named else set()
    for number, operator in enumerate(graph.operators):
        if tensors & {*operator.inputs, *operator.outputs}:
            return number
    return None


def _name(tensor: Any) -> str:
    name = tensor.name.decode(errors="replace") if isinstance(tensor.name, bytes) else tensor.name
    return " ".join((name or "").split())
