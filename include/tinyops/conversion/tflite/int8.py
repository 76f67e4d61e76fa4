"""Keras to int8 TFLite with the input quantisation that the frontend emits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.errors import TinyOpsError


class QuantisationError(TinyOpsError):
    """The converter does not give the int8 model that was asked for."""


def quantise(
    model: Any,
    representative: NDArray[np.float32] | NDArray[np.int8],
    input_scale: float,
    input_zero_point: int,
) -> bytes:
    """A TFLite model with int8 input and output and batch 1.

    Parameters
    ----------
    model
        A Keras model of one input [H, W, C].
    representative
        [n, H, W, C]: real numbers, or the frontend's int8 features.
    input_scale, input_zero_point
        The quantisation of the frontend's output, which the model's input must have exactly.

    Raises
    ------
    QuantisationError
        The converter chose another input quantisation, or left something in float.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    inputs = np.asarray(representative, dtype=np.float32)
    if representative.dtype == np.int8:
        inputs = (inputs - input_zero_point) * np.float32(input_scale)
    shape = inputs.shape[1:]
    call = tf.function(lambda x: model(x, training=False))
    concrete = call.get_concrete_function(tf.TensorSpec((1, *shape), tf.float32))
    # With variables left in the graph the converter's calibration cannot read them (TF 2.21 with
    # Keras 3).
    frozen = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _samples(inputs, input_scale, input_zero_point)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    tflite = bytes(converter.convert())
    _check(tflite, input_scale, input_zero_point)
    return tflite


def input_quantisation(tflite: bytes) -> tuple[float, int]:
    """(scale, zero point) of a model's input."""
    scale, zero_point = _ends(tflite)[0]["quantization"]
    return float(scale), int(zero_point)


def output_scale(tflite: bytes) -> float:
    """What one step of a model's int8 logits is worth."""
    return float(_ends(tflite)[1]["quantization"][0])


def _samples(
    inputs: NDArray[np.float32], scale: float, zero_point: int
) -> Iterator[list[NDArray[np.float32]]]:
    """The samples, the first with both end points of the int8 range in it.

    The converter takes the input's range from what it sees; only one value each is changed, so that
    the ranges of inner layers stay those of real features.
    """
    first = inputs[:1].copy()
    first.flat[0] = (-128 - zero_point) * scale
    first.flat[1] = (127 - zero_point) * scale
    yield [first]
    for row in inputs:
        yield [row[None]]


def _check(tflite: bytes, scale: float, zero_point: int) -> None:
    if any(end["dtype"] != np.int8 for end in _ends(tflite)):
        raise QuantisationError("the model's input or output is not int8", "report a bug")
    found = input_quantisation(tflite)
    if found != (scale, zero_point):
        raise QuantisationError(
            f"the converter chose input scale {found[0]} and zero point {found[1]}, "
            f"the frontend has {scale} and {zero_point}",
            "choose a power of two as the frontend's scale",
        )


def _ends(tflite: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=tflite, num_threads=1)
    return interpreter.get_input_details()[0], interpreter.get_output_details()[0]
