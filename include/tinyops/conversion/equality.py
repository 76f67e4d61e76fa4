"""Whether two models compute the same: LiteRT on random and edge inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyops.conversion.errors import ConversionError

_CHECKS = 6


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
    old, new = _litert(tflite), _litert(rewritten)
    shape = new.get_input_details()[0]["shape"]
    tensor = old.get_output_details()[0]["index"] if output is None else output
    generator = np.random.default_rng(0)
    inputs = [generator.integers(-128, 128, shape).astype(np.int8) for _ in range(_CHECKS)]
    inputs += [np.full(shape, value, np.int8) for value in (-128, 127)]
    for number, values in enumerate(inputs):
        for interpreter in (old, new):
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
            interpreter.invoke()
        given = new.get_tensor(new.get_output_details()[0]["index"])
        if old.get_tensor(tensor).tobytes() != given.tobytes():
            raise ConversionError(
                f"the rewritten model differs from the original on check input {number}",
                "report the model; the rewrite is wrong for it",
            )


def _litert(tflite: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        # No delegate: XNNPACK may round differently once the graph looks different. All tensors
        # are kept so that the logits of a model that ends in SOFTMAX can be read.
        interpreter = Interpreter(
            model_content=tflite,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ConversionError(
            f"LiteRT refuses the model: {reason}", "export it with a current converter"
        ) from None
    return interpreter
