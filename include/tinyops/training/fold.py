"""A Keras model as the list of operators that the converter makes of it: batch norm folded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.training.recipe import TrainingError

WEIGHTED = ("Conv2D", "DepthwiseConv2D", "Dense")
_GONE = ("Dropout", "Identity")
_SAME_SCALE = ("MaxPooling2D", "AveragePooling2D", "ZeroPadding2D", "Flatten", "Reshape")
_OWN_SCALE = ("Add", "GlobalAveragePooling2D")
_ADVICE = "build it of " + ", ".join((*WEIGHTED, "BatchNormalization", "ReLU", *_SAME_SCALE))


@dataclass(frozen=True, eq=False)
class Node:
    """One operator.

    Parameters
    ----------
    inputs
        Names of the nodes that it reads.
    kernel, bias
        Of a weighted layer, with the batch norm behind it folded in; else None. A depthwise kernel
        is [h, w, channels, multiplier].
    relu
        The weighted layer's own activation.
    rounded
        Its output gets a range of its own: not before a ReLU that is fused into it, nor where
        TFLite wants the input's scale.
    """

    name: str
    kind: str
    layer: Any
    inputs: tuple[str, ...]
    kernel: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None
    relu: bool = False
    rounded: bool = False


def operators(model: Any) -> list[Node]:
    """The nodes in order; the first is the input, the last the output.

    Raises
    ------
    TrainingError
        A layer of another kind, one that is used twice, or a batch norm that cannot be folded.
    """
    import keras

    whole = keras.Model(model.inputs, model.outputs)
    parents = {layer.name: _parents(layer) for layer in whole.operations}
    readers = Counter(name for names in parents.values() for name in names)
    nodes: dict[str, Node] = {}
    now: dict[str, str] = {}  # a layer's name -> the node that gives its output
    for layer in whole.operations:
        given = tuple(now[name] for name in parents[layer.name])
        kind = type(layer).__name__
        if kind == "BatchNormalization":
            before = nodes[given[0]]
            if before.kernel is None or before.relu or readers[parents[layer.name][0]] > 1:
                raise TrainingError(
                    f"layer {layer.name}: a batch norm that is not right behind a convolution",
                    "put it there, or set training.qat_epochs to 0",
                )
            nodes[given[0]] = _folded(before, layer)
            now[layer.name] = given[0]
        elif kind in _GONE:
            now[layer.name] = given[0]
            readers[parents[layer.name][0]] += readers[layer.name] - 1
        else:
            nodes[layer.name] = _node(layer, kind, given)
            now[layer.name] = layer.name
    return _without_fused(list(nodes.values()))


def _parents(layer: Any) -> list[str]:
    if len(layer._inbound_nodes) > 1:
        raise TrainingError(f"layer {layer.name} is used twice", "give each use a layer of its own")
    return [each._keras_history.operation.name for each in layer._inbound_nodes[0].input_tensors]


def _node(layer: Any, kind: str, given: tuple[str, ...]) -> Node:
    node = Node(layer.name, kind, layer, given)
    if kind in WEIGHTED:
        activation = layer.activation.__name__
        if activation not in ("linear", "relu"):
            raise _unknown(layer, f"activation {activation}")
        kernel = np.asarray(layer.kernel)
        channels = (
            int(np.prod(kernel.shape[-2:])) if kind == "DepthwiseConv2D" else kernel.shape[-1]
        )
        bias = np.zeros(channels, np.float32) if layer.bias is None else np.asarray(layer.bias)
        return replace(node, kernel=kernel, bias=bias, relu=activation == "relu", rounded=True)
    if kind == "ReLU" and not layer.negative_slope and not layer.threshold:
        return replace(node, rounded=True)
    if kind == "Activation" and layer.activation.__name__ == "relu":
        return replace(node, rounded=True)
    if kind in _OWN_SCALE:
        return replace(node, rounded=True)
    if kind in ("InputLayer", *_SAME_SCALE):
        return node
    raise _unknown(layer, kind)


def _unknown(layer: Any, what: str) -> TrainingError:
    return TrainingError(
        f"layer {layer.name}: {what} is unknown to quantisation-aware training", _ADVICE
    )


def _folded(node: Node, norm: Any) -> Node:
    assert node.kernel is not None
    assert node.bias is not None
    gain = 1 / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    gain = gain if norm.gamma is None else gain * np.asarray(norm.gamma)
    shift = 0.0 if norm.beta is None else np.asarray(norm.beta)
    shape = node.kernel.shape[-2:] if node.kind == "DepthwiseConv2D" else (-1,)
    return replace(
        node,
        kernel=(node.kernel * gain.reshape(shape)).astype(np.float32),
        bias=((node.bias - np.asarray(norm.moving_mean)) * gain + shift).astype(np.float32),
    )


def _without_fused(nodes: list[Node]) -> list[Node]:
    """What only a ReLU reads is not rounded itself: the converter fuses the two."""
    readers = Counter(name for node in nodes for name in node.inputs)
    fused = {
        node.inputs[0]
        for node in nodes
        if node.kind in ("ReLU", "Activation") and readers[node.inputs[0]] == 1
    }
    return [replace(node, rounded=False) if node.name in fused else node for node in nodes]
