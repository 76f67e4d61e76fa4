"""Whether two models compute the same: LiteRT on random and edge inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyops.conversion.tflite.check_inputs import as_type, check_inputs
from tinyops.conversion.tflite.confined import confine
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.runtime_errors import refusal

RUNTIME = "LiteRT"


def require_equal(tflite: bytes, rewritten: bytes, output: int | None) -> None:
    """Refuse a rewrite whose bytes differ from the original's on any check input.

    Parameters
    ----------
    output
        The tensor of `tflite` that `rewritten` returns; None for its own output.

    Raises
    ------
    ConversionError
        They differ, or LiteRT refuses one of them.
    """
    differing = confine(
        RUNTIME,
        f"{__name__}:first_difference",
        tflite,
        rewritten,
        None if output is None else int(output),
    )
    if differing is not None:
        raise ConversionError(
            f"the rewritten model differs from the original on check input {differing}",
            "report the model; the rewrite is wrong for it",
        )


def first_difference(tflite: bytes, rewritten: bytes, output: int | None) -> int | None:
    """The number of the check input; None if all are equal. Runs in a child."""
    old, new = _interpreter(tflite), _interpreter(rewritten)
    given = new.get_input_details()[0]
    tensor = old.get_output_details()[0]["index"] if output is None else output
    for number, values in enumerate(check_inputs(tuple(given["shape"]))):
        for interpreter, content in ((old, tflite), (new, rewritten)):
            try:
                taken = interpreter.get_input_details()[0]
                fed = as_type(values, np.dtype(taken["dtype"]), *given["quantization"])
                interpreter.set_tensor(taken["index"], fed.reshape(taken["shape"]))
                interpreter.invoke()
            except (RuntimeError, ValueError) as error:
                raise refusal(RUNTIME, content, error) from None
        answer = new.get_tensor(new.get_output_details()[0]["index"])
        if old.get_tensor(tensor).tobytes() != answer.tobytes():
            return number
    return None


def load(tflite: bytes) -> None:
    """Whether LiteRT takes a model of whatever types: load it and run it on zeros, in a child."""
    interpreter = _interpreter(tflite)
    try:
        for given in interpreter.get_input_details():
            interpreter.set_tensor(given["index"], np.zeros(given["shape"], given["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        raise refusal(RUNTIME, tflite, error) from None


def _interpreter(tflite: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        # No delegate: XNNPACK may round differently once the graph looks different. All tensors
        # are kept so that the logits of a model that ends in SOFTMAX can be read.
        interpreter = Interpreter(
            model_content=tflite,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise refusal(RUNTIME, tflite, error) from None
    return interpreter
