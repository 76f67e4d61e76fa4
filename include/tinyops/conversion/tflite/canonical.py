"""Rewrite an int8 .tflite into the form that the ahead-of-time compiler takes.

Batch fixed to 1, trailing SOFTMAX removed (the device works on logits), shapes made constant,
options filled, FULLY_CONNECTED in rank 2, the columns of an image folded into its channels where
that is faster. LiteRT must give the same bytes before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinyops.conversion.tflite.admissible import require_admissible
from tinyops.conversion.tflite.equality import require_equal
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import read_model, write_model
from tinyops.conversion.tflite.rewrites.bias import fix_bias_axes
from tinyops.conversion.tflite.rewrites.folding import fold_input
from tinyops.conversion.tflite.rewrites.linear import flatten_linear
from tinyops.conversion.tflite.rewrites.options import fill_options
from tinyops.conversion.tflite.rewrites.reshape import fix_reshapes
from tinyops.conversion.tflite.rewrites.softmax import strip_softmax
from tinyops.conversion.tflite.tflm_equality import require_equal_in_tflm

REWRITES: tuple[Callable[[Any], None], ...] = (
    strip_softmax,
    fix_reshapes,
    flatten_linear,
    fold_input,
    fill_options,
)
"""In this order: each works on what those before it leave."""


def canonical(tflite: bytes) -> bytes:
    """The same model, rewritten.

    Parameters
    ----------
    tflite
        An int8 model with one subgraph, one input and one output.

    Raises
    ------
    ConversionError
        Not such a model, or a rewrite changed what it computes.
    """
    model = read_model(tflite)
    require_admissible(model)
    readable = tflite
    if fix_bias_axes(model):
        # LiteRT cannot read the original, so TensorFlow Lite Micro judges this one change.
        readable = write_model(model)
        require_equal_in_tflm(tflite, readable)
    before = model.subgraphs[0].outputs[0]
    try:
        _rewrite(model)
        rewritten = write_model(model)
    except ConversionError:
        raise
    except Exception as error:  # options of another operator, a weight without data, …
        raise ConversionError(
            f"damaged .tflite: no rewrite for it: {type(error).__name__}: {error}",
            "export the model again; if it runs in LiteRT, report it",
        ) from error
    output = model.subgraphs[0].outputs[0]
    require_equal(readable, rewritten, output if output != before else None)
    return rewritten


def _rewrite(model: Any) -> None:
    for tensor in model.subgraphs[0].tensors:
        tensor.shapeSignature = None
    model.signatureDefs = None
    for rewrite in REWRITES:
        rewrite(model)
