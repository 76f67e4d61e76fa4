"""The first convolution of an image reads two pixels as one: fewer, longer copies.

CMSIS-NN's Conv2D copies its input to a column pixel by pixel, and with 3 channels the copying costs
more than the products. Where it strides by s along a row, s neighbouring pixels of C channels are
one of s*C: the same bytes, a stride of 1 and a kernel of a s-th of the width, filled up with zeros.
The model's input keeps its bytes and changes its shape, [1, H, W, C] to [1, H, W/s, s*C].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyops.conversion.tflite.flatbuffer import operator_name, schema_module
from tinyops.conversion.tflite.rewrites.graph import (
    add_buffer,
    constant,
    copy_tensor,
    readers_of,
)

MAX_CHANNELS = 4
"""Above, copying pixel by pixel is no burden, and the added zeros cost products."""


def fold_input(model: Any) -> list[str]:
    """Fold the columns of the model's input, if its only reader is such a convolution."""
    graph = model.subgraphs[0]
    source = graph.inputs[0]
    all_readers = readers_of(model)
    readers = all_readers.get(source, [])
    if len(readers) != 1 or not _foldable(model, readers[0]):
        return []
    operator = readers[0]
    options, image = operator.builtinOptions, graph.tensors[source]
    fold = int(options.strideW)
    _, height, width, channels = (int(size) for size in image.shape)
    image.shape = [1, height, width // fold, fold * channels]
    if len(all_readers[operator.inputs[1]]) > 1:
        kernel = copy_tensor(model, operator.inputs[1])
        operator.inputs = [source, kernel, *operator.inputs[2:]]
    _fold_weight(model, operator.inputs[1], fold)
    options.strideW = 1
    return [
        f"{operator.label}: columns of its input folded into channels, [1, {height}, {width}, "
        f"{channels}] is {image.shape}; the bytes stay"
    ]


def _foldable(model: Any, operator: Any) -> bool:
    if operator_name(model, operator) != "CONV_2D":
        return False
    options, tensors = operator.builtinOptions, model.subgraphs[0].tensors
    image, output = tensors[operator.inputs[0]].shape, tensors[operator.outputs[0]].shape
    _, _, kernel, channels = tensors[operator.inputs[1]].shape
    fold = options.strideW
    dilated = (options.dilationHFactor or 1, options.dilationWFactor or 1) != (1, 1)
    if fold < 2 or dilated or len(image) != 4 or image[2] % fold or image[3] > MAX_CHANNELS:
        return False
    if channels != image[3]:
        return False  # a grouped convolution
    # The zeros that pad a row must be whole folded pixels, as many as folding will make of SAME.
    missing = output[2] - 1 + -(-kernel // fold) - image[2] // fold
    if options.padding != schema_module().Padding.SAME:
        return bool(missing <= 0)
    total = max((output[2] - 1) * fold + kernel - image[2], 0)
    left = int(total // 2)
    return left % fold == 0 and max(missing, 0) // 2 == left // fold


def _fold_weight(model: Any, index: int, fold: int) -> None:
    tensor = model.subgraphs[0].tensors[index]
    weight = constant(model, index, "<i1")
    outputs, height, width, channels = weight.shape
    wide = -(-width // fold) * fold
    folded = np.zeros((outputs, height, wide, channels), np.int8)
    folded[:, :, :width] = weight
    tensor.shape = [outputs, height, wide // fold, fold * channels]
    tensor.buffer = add_buffer(model, folded.tobytes())
