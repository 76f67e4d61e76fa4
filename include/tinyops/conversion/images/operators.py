"""Which runtime supports which operator of a model, and which takes the model as a whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tinyops.conversion.images.alternatives import instead_of
from tinyops.conversion.images.aot import compile_model
from tinyops.conversion.tflite.canonical import Canonical, rewritten
from tinyops.conversion.tflite.confined import Confined, confine
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import (
    operator_label,
    operator_name,
    parse,
    read_model,
    tensor_name,
)
from tinyops.conversion.tflite.operator_probe import (
    OperatorSet,
    aot_set,
    builtin_operators,
    litert_set,
    tflm_set,
)

CMSIS, PORTABLE, GONE, LACKING = "CMSIS-NN", "portable C", "rewritten away", "no"
IN_SET = "yes"
"""The compiler has the operator, but the model as a whole does not get as far as its kernels."""


@dataclass(frozen=True)
class OperatorSupport:
    """One operator of a model. `instead` is empty where all three sets have it."""

    number: int
    operator: str
    makes: str
    tensorflow: bool
    litert: bool
    tflm: bool
    aot: str
    instead: str


@dataclass(frozen=True)
class Verdict:
    """Whether a runtime takes the whole model: `problem` is empty if it does."""

    runtime: str
    problem: str


@dataclass(frozen=True)
class ModelSupport:
    """What `tinyops ops MODEL` shows."""

    operators: tuple[OperatorSupport, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    """Of the canonical form, which boards run."""

    def on_a_board(self) -> bool:
        """Whether a runtime of the boards takes the model in its canonical form."""
        return any(not each.problem for each in self.verdicts if each.runtime in (_TFLM, _AOT))

    def to_dict(self) -> dict[str, Any]:
        """JSON content."""
        return {**asdict(self), "sets": [each.to_dict() for each in operator_sets()]}


_LITERT, _TFLM_RAW = "LiteRT", "TensorFlow Lite Micro, the file as it is"
_TFLM, _AOT = "boards with runtime tflm", "boards with runtime aot"


def operator_sets() -> tuple[OperatorSet, ...]:
    """Of the installed LiteRT, TensorFlow Lite Micro and ahead-of-time compiler."""
    return litert_set(), tflm_set(), aot_set()


def supported(tflite: bytes) -> ModelSupport:
    """Operators of the first subgraph, and what each runtime says of the model.

    Raises
    ------
    ConversionError
        Not a model that can be read.
    """
    model = read_model(tflite)
    graph = model.subgraphs[0] if model.subgraphs else None
    if graph is None or not graph.operators:
        raise ConversionError("the model has no operators", "export it again")
    form: Canonical | None = None
    steps: dict[str, str] | None = None
    verdicts = [
        _verdict(
            _LITERT, lambda: confine("LiteRT", "tinyops.conversion.tflite.equality:load", tflite)
        ),
        _verdict(_TFLM_RAW, lambda: _tflm(tflite)),
    ]
    try:
        form = rewritten(tflite)
    except ConversionError as error:
        verdicts += [Verdict(name, error.message) for name in (_TFLM, _AOT)]
    else:
        verdicts.append(_verdict(_TFLM, partial(_tflm_canonical, form)))
        try:
            steps = _steps(form)
            verdicts.append(Verdict(_AOT, ""))
        except ConversionError as error:
            verdicts.append(Verdict(_AOT, error.message))
    left = frozenset(form.operators) if form else None
    rows = tuple(_row(model, number, left, steps) for number in range(len(graph.operators)))
    return ModelSupport(rows, tuple(verdicts), form.notes if form else ())


def _verdict(runtime: str, take: Callable[[], object]) -> Verdict:
    try:
        take()
    except ConversionError as error:
        return Verdict(runtime, error.message)
    return Verdict(runtime, "")


def _tflm(tflite: bytes) -> None:
    name = "tinyops.conversion.tflite.tflm_interpreter:TflmInterpreter"
    child = Confined("TensorFlow Lite Micro", name, tflite)
    child.call("allocations")
    child.close()


def _tflm_canonical(form: Canonical) -> None:
    with form.naming():
        _tflm(form.tflite)


def _steps(form: Canonical) -> dict[str, str]:
    """Label of an operator -> the kernel of what the canonical form has for it."""
    with tempfile.TemporaryDirectory() as folder, form.naming():
        portable = compile_model(form.tflite, Path(folder)).portable_steps
    slow = {int(step.split("_")[1]) for step in portable}
    model, fast = parse(form.tflite), aot_set().fast
    steps: dict[str, str] = {}
    for number, operator in enumerate(model.subgraphs[0].operators):
        name, label = operator_name(model, operator), form.operators[number]
        # A RESHAPE around a layer has the layer's label and costs nothing.
        if name != "RESHAPE" or label not in steps:
            steps[label] = PORTABLE if number in slow or name not in fast else CMSIS
    return steps


def _row(
    model: Any, number: int, left: frozenset[str] | None, steps: dict[str, str] | None
) -> OperatorSupport:
    operator = model.subgraphs[0].operators[number]
    codes = 0 if model.operatorCodes is None else len(model.operatorCodes)
    if operator is None or not 0 <= operator.opcodeIndex < codes:
        raise ConversionError(f"damaged .tflite: operator {number} has no code", "export it again")
    name, label = operator_name(model, operator), operator_label(model, number)
    litert, tflm, aot = (name in each.operators for each in operator_sets())
    kernel = IN_SET if aot else LACKING
    last = number == len(model.subgraphs[0].operators) - 1
    if (last and number and name == "SOFTMAX" and left is None) or (
        left is not None and label not in left
    ):
        kernel = GONE
    elif steps is not None:
        kernel = steps[label]
    lacking = kernel == LACKING or not tflm or not litert
    return OperatorSupport(
        number=number,
        operator=name,
        makes=_made(model, number),
        tensorflow=name in builtin_operators() or name.startswith("Flex"),
        litert=litert,
        tflm=tflm,
        aot=kernel,
        instead=instead_of(name, tflm) if lacking else "",
    )


def _made(model: Any, number: int) -> str:
    made = _output(model, number)
    return "nothing" if made is None else tensor_name(made)


def _output(model: Any, number: int) -> Any:
    graph = model.subgraphs[0]
    outputs = graph.operators[number].outputs
    # The schema gives 0 for an empty vector.
    index = -1 if outputs is None or isinstance(outputs, int) or not len(outputs) else outputs[0]
    known = graph.tensors is not None and 0 <= index < len(graph.tensors)
    return graph.tensors[index] if known else None
