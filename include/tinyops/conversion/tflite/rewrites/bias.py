"""Scales of biases: their axis, and their value.

TensorFlow's converter of 2020 gave the bias of a depthwise convolution, of rank 1, the axis of its
weight: 3. LiteRT 2 refuses that ("quantized_dimension must be in range"), TensorFlow Lite Micro
does not look at it.

Kernels do not read a bias's scale either: they add its int32 values to sums whose scale is that
of the input times that of the weight (`PopulateConvolutionQuantizationParams` in TensorFlow Lite's
kernel_util.cc). Converters write the same product, rounded in another order: 1 or 2 float32 ulps
off in most models that were trained for int8. bakenn 1.0 refuses all but the product.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.tflite.flatbuffer import operator_name, schema_module
from tinyops.conversion.tflite.rewrites.graph import copy_tensor, readers_of

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
ROUNDING = 1e-6
"""Relative: eight times the distance of two neighbouring float32."""


def fix_bias_axes(model: Any) -> bool:
    """Set the axis of rank-1 tensors to 0; whether there was anything to change."""
    changed = False
    for tensor in model.subgraphs[0].tensors:
        quantization = tensor.quantization
        if quantization is None or tensor.shape is None or len(tensor.shape) != 1:
            continue
        if quantization.quantizedDimension != 0:
            quantization.quantizedDimension = 0
            changed = True
    return changed


def set_bias_scales(model: Any) -> list[str]:
    """Make each bias's scale the product that the kernels use; notes on those that were not."""
    changes, readers = [], readers_of(model)
    for operator in model.subgraphs[0].operators:
        if operator_name(model, operator) in WEIGHTED and len(operator.inputs) > 2:
            given, scales = _set_bias_scale(model, operator, readers)
            if len(scales):
                changes.append((operator.label, given, scales))
    rounded, notes = [], []
    for label, given, scales in changes:
        if len(given) not in (1, len(scales)):
            notes.append(f"{label}: bias without scales, set to input scale x weight scale")
            continue
        # A bias of one scale for all channels, or of one for each.
        off = np.abs(given.astype(np.float64) / scales - 1)
        worst = int(off.argmax())
        if off[worst] <= ROUNDING:
            rounded.append(off)
            continue
        notes.append(
            f"{label}: bias scale {given[min(worst, len(given) - 1)]:.6g} of channel {worst}, "
            f"input scale x weight scale {scales[min(worst, len(scales) - 1)]:.6g}: kernels add "
            "the bias at the latter, and so does the image"
        )
    if rounded:
        count, most = sum(int((off > 0).sum()) for off in rounded), max(map(np.max, rounded))
        notes.append(
            f"{count} bias scales of {len(rounded)} operators rounded to input scale x weight "
            f"scale, at most {most:.1e} off; kernels do not read them"
        )
    return notes


def scales_of(tensor: Any) -> NDArray[np.float32]:
    """float32 [0, 1 or channels] of a tensor."""
    found = None if tensor.quantization is None else tensor.quantization.scale
    return np.asarray([] if found is None or isinstance(found, int) else found, np.float32)


def _set_bias_scale(
    model: Any, operator: Any, readers: dict[int, list[Any]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(scales before, scales now), both empty where nothing is to be changed."""
    schema, tensors = schema_module(), model.subgraphs[0].tensors
    none = np.zeros(0, np.float32)
    source, weight, bias = (tensors[index] for index in operator.inputs[:3])
    if operator.inputs[2] < 0 or bias.type != schema.TensorType.INT32:
        return none, none
    factor, weights, given = scales_of(source), scales_of(weight), scales_of(bias)
    scales = (factor.astype(np.float64) * weights.astype(np.float64)).astype(np.float32)
    if len(factor) != 1 or not len(scales) or not np.all((scales > 0) & np.isfinite(scales)):
        return none, none
    if len(given) == len(scales) and np.array_equal(given, scales):
        return none, none
    if len(readers[operator.inputs[2]]) > 1:
        operator.inputs = [*operator.inputs[:2], copy_tensor(model, operator.inputs[2])]
        bias = tensors[operator.inputs[2]]
    quantization = schema.QuantizationParametersT()
    quantization.scale = [float(scale) for scale in scales]
    points = None if bias.quantization is None else bias.quantization.zeroPoint
    zero = points is None or isinstance(points, int) or not np.any(points)
    quantization.zeroPoint = [0] * len(scales) if zero else points
    bias.quantization = quantization
    return given, scales
