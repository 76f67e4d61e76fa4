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
    scales are those that make the channel's weights before and behind equally large (Nagel et al.
    2019, Data-free quantization through weight equalization and bias correction, 1906.04721,
    section 4.1). Where batch norm has left hardly more of a channel than its bias, the weights say
    little of its values; no channel is scaled up beyond the range that the others need.

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
        outgoing, incoming = _outgoing(before), _incoming(after)
        if outgoing.shape != incoming.shape:
            continue  # a Flatten is between them
        usable = (outgoing > 0) & (incoming > 0)
        scale = np.ones_like(outgoing)
        scale[usable] = np.sqrt(outgoing[usable] / incoming[usable])
        scale = _limited(scale, ranges[after.inputs[0]])
        made[before.name] = replace(
            before, kernel=_times_outputs(before, 1 / scale), bias=before.bias / scale
        )
        made[after.name] = replace(after, kernel=after.kernel * scale[:, None])
    return list(made.values())


def _limited(scale: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scales [channels] that leave no `values` above those that are large before and after."""
    most = np.minimum(values, values / scale).max()
    return np.maximum(scale, values / most) if most > 0 else scale


def _scales(node: Node) -> bool:
    """A scaled input gives a scaled output: a ReLU without an upper end."""
    return node.kind == "Activation" or (node.kind == "ReLU" and node.layer.max_value is None)


def _outgoing(node: Node) -> NDArray[np.float32]:
    """Largest weight of each output channel."""
    assert node.kernel is not None
    axes = (0, 1) if node.kind == "DepthwiseConv2D" else tuple(range(node.kernel.ndim - 1))
    return np.abs(node.kernel).max(axis=axes).ravel()


def _incoming(node: Node) -> NDArray[np.float32]:
    """Largest weight of each input channel; it is the last axis but one of every kernel."""
    assert node.kernel is not None
    axes = (*range(node.kernel.ndim - 2), node.kernel.ndim - 1)
    return np.asarray(np.abs(node.kernel).max(axis=axes))


def _times_outputs(node: Node, factor: NDArray[np.floating]) -> NDArray[np.float32]:
    assert node.kernel is not None
    shape = node.kernel.shape[-2:] if node.kind == "DepthwiseConv2D" else (-1,)
    return np.asarray(node.kernel * factor.reshape(shape), dtype=np.float32)
