"""Even out the channels between two layers, so that one scale for all of them serves each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinyops.training.fold import Node


def equalised(nodes: list[Node], ranges: Mapping[str, NDArray[np.float32]]) -> list[Node]:
    """The same function with other weights: what one layer gives less of, the next takes more of.

    ReLU(s x) = s ReLU(x) for s > 0, so a channel may be scaled between two layers at will. The
    scales are those that make the channel's values and the weights behind it equally large (Nagel
    et al. 2019, Data-free quantization through weight equalization and bias correction, 1906.04721,
    section 4.1). There the weights before it stand for the values; but those have a scale for each
    channel, so it does not matter how small they are, and where batch norm has scaled a channel
    down until hardly more than its bias is left, they say nothing about the values.

    Parameters
    ----------
    ranges
        Of each node that a weighted layer reads: the largest value of each channel, [channels].
    """
    made = {node.name: node for node in nodes}
    readers = Counter(name for node in nodes for name in node.inputs)
    for node in nodes:
        after = made[node.name]
        if after.kernel is None:
            continue
        before = made[after.inputs[0]]
        while before.kernel is None and _scales(before) and readers[before.name] == 1:
            before = made[before.inputs[0]]
        if before.kernel is None or before.bias is None or readers[before.name] > 1:
            continue
        values, incoming = ranges[after.inputs[0]], _incoming(after)
        if values.shape != incoming.shape:
            continue  # a Flatten is between them
        usable = (values > 0) & (incoming > 0)
        scale = np.ones_like(values)
        scale[usable] = np.sqrt(values[usable] / incoming[usable])
        made[before.name] = replace(
            before, kernel=_times_outputs(before, 1 / scale), bias=before.bias / scale
        )
        made[after.name] = replace(after, kernel=after.kernel * scale[:, None])
    return list(made.values())


def _scales(node: Node) -> bool:
    """A scaled input gives a scaled output: a ReLU without an upper end."""
    return node.kind == "Activation" or (node.kind == "ReLU" and node.layer.max_value is None)


def _incoming(node: Node) -> NDArray[np.float32]:
    """Largest weight of each input channel; it is the last axis but one of every kernel."""
    assert node.kernel is not None
    axes = (*range(node.kernel.ndim - 2), node.kernel.ndim - 1)
    return np.asarray(np.abs(node.kernel).max(axis=axes))


def _times_outputs(node: Node, factor: NDArray[np.floating]) -> NDArray[np.float32]:
    assert node.kernel is not None
    shape = node.kernel.shape[-2:] if node.kind == "DepthwiseConv2D" else (-1,)
    return np.asarray(node.kernel * factor.reshape(shape), dtype=np.float32)
