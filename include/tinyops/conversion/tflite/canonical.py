"""Rewrite an int8 .tflite into the form that the ahead-of-time compiler takes.

Batch fixed to 1, conversions at the ends and a trailing SOFTMAX removed (the device feeds int8 and
works on logits), shapes made constant, options filled, scales of biases made those of the kernels,
FULLY_CONNECTED in rank 2 or as CONV_2D, the columns of an image folded into its channels where that
is faster. LiteRT must give the same bytes before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinyops.conversion.tflite.admissible import require_admissible
from tinyops.conversion.tflite.equality import require_equal
from tinyops.conversion.tflite.errors import ConversionError
from tinyops.conversion.tflite.flatbuffer import operator_label, parse, read_model, write_model
from tinyops.conversion.tflite.int8_only import require_int8
from tinyops.conversion.tflite.rewrites.bias import fix_bias_axes, set_bias_scales
from tinyops.conversion.tflite.rewrites.ends import strip_input, strip_output
from tinyops.conversion.tflite.rewrites.folding import fold_input
from tinyops.conversion.tflite.rewrites.graph import drop_dead, label_operators
from tinyops.conversion.tflite.rewrites.linear import flatten_linear
from tinyops.conversion.tflite.rewrites.options import fill_options
from tinyops.conversion.tflite.rewrites.reshape import fix_reshapes
from tinyops.conversion.tflite.tflm_equality import require_equal_in_tflm

REWRITES: tuple[Callable[[Any], list[str]], ...] = (
    set_bias_scales,
    flatten_linear,
    fold_input,
    fill_options,
)
"""In this order: each works on what those before it leave."""

ENDS: tuple[Callable[[Any], list[str]], ...] = (fix_reshapes, strip_input, strip_output)
"""Before them and before the model has to be int8: Keras may compute a shape from a float input."""


@dataclass(frozen=True)
class Canonical:
    """A model in canonical form, and how it differs from the file that it was made of.

    Parameters
    ----------
    notes
        What callers of the model have to know of the rewrites, a line each: operators that are
        gone, what is to be fed instead, scales that were set. Empty for most models.
    operators
        Label of each operator of `tflite` in the original, where numbers may be others.
    """

    tflite: bytes
    notes: tuple[str, ...]
    operators: tuple[str, ...]

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Name the operators of the original in errors about `tflite`."""
        try:
            yield
        except ConversionError as error:
            message, model = error.message, parse(self.tflite)
            for number, label in enumerate(self.operators):
                own = operator_label(model, number)
                if own in message and own != label:
                    raise type(error)(message.replace(own, label), error.fix) from error
            raise


def canonical(tflite: bytes) -> bytes:
    """The same model in canonical form; errors as in `rewritten`."""
    return rewritten(tflite).tflite


def rewritten(tflite: bytes) -> Canonical:
    """The same model in canonical form, with notes.

    Parameters
    ----------
    tflite
        A model with one subgraph, one input and one output, int8 inside.

    Raises
    ------
    ConversionError
        Not such a model, or a rewrite changed what it computes; names the operator or tensor.
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
        notes = _rewrite(model)
        form = write_model(model)
    except ConversionError:
        raise
    except Exception as error:  # options of another operator, a weight without data, …
        raise ConversionError(
            f"damaged .tflite: no rewrite for it: {type(error).__name__}: {error}",
            "export the model again; if it runs in LiteRT, report it",
        ) from error
    graph = model.subgraphs[0]
    made = Canonical(form, tuple(notes), tuple(each.label for each in graph.operators))
    with made.naming():
        require_equal(readable, form, graph.outputs[0] if graph.outputs[0] != before else None)
    return made


def _rewrite(model: Any) -> list[str]:
    graph = model.subgraphs[0]
    label_operators(model)
    notes = [f"{each.label} removed: nothing reads its result" for each in drop_dead(model)]
    for rewrite in ENDS:
        notes += rewrite(model)
    require_int8(model)
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    model.signatureDefs = None
    for rewrite in REWRITES:
        notes += rewrite(model)
    return notes
