"""The axis of a bias's scales.

TensorFlow's converter of 2020 gave the bias of a depthwise convolution, of rank 1, the axis of its
weight: 3. LiteRT 2 refuses that ("quantized_dimension must be in range"), TensorFlow Lite Micro
does not look at it.
"""

from __future__ import annotations

from typing import Any


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
