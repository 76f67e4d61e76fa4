"""A Keras model that computes as its int8 version will: batch norm folded, channels evened
out, values rounded.

Weights are rounded per output channel, symmetrically to [-127, 127] steps, as the converter does;
activations per tensor to 256 steps of a range that is learnt as one factor. Rounding has the
gradient of a straight line inside the range (Jacob et al. 2018, Quantization and training of neural
networks for efficient integer-arithmetic-only inference, 1712.05877). The converter takes the
ranges from the FakeQuant operators in the graph, also when a representative set is given, and
rounds the weights itself (both seen with TensorFlow 2.21).

Own, because the library for it, tensorflow-model-optimization 0.8.1, takes models of Keras 2
(tf_keras) only; its issue 1119 asks for Keras 3 since 2024.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.training.equalise import equalised
from tinyops.training.fold import Node, operators

_FACTORS = np.geomspace(0.02, 1.0, 40)
_MOST_VALUES = 100_000
_WINDOWS = 0.95


def fake_quantised(model: Any, sample: NDArray[np.float32], low: float, high: float) -> Any:
    """A Keras model of the same function but for the rounding, to be trained and converted.

    Parameters
    ----------
    model
        A functional or sequential Keras model; see `operators` for what it may hold.
    sample
        [n, H, W, C], inputs from which the first ranges of all activations are taken.
    low, high
        The input's range, which stays.
    """
    nodes = operators(model)
    largest = {name: channel_ranges(found) for name, found in _values(nodes, sample).items()}
    nodes = equalised(nodes, largest)
    ranges = {name: best_range(found) for name, found in _values(nodes, sample).items()}
    return _built(nodes, {nodes[0].name: (low, high), **ranges})


def _values(nodes: list[Node], sample: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Outputs [n, ...] of the nodes that are rounded, in float."""
    import keras

    plain, names = _built(nodes, {}), [node.name for node in nodes if node.rounded]
    seen = keras.Model(plain.input, [plain.get_layer(name).output for name in names])
    values = seen.predict(sample, verbose=0)
    return dict(zip(names, values if isinstance(values, list) else [values], strict=True))


def channel_ranges(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest absolute value of each channel of `values` [n, ..., channels], but for the windows
    that `best_range` leaves out too."""
    rows = np.abs(values).reshape(len(values), -1, values.shape[-1]).max(axis=1)
    return np.asarray(np.quantile(rows, _WINDOWS, axis=0), dtype=np.float32)


def best_range(values: NDArray[np.float32]) -> tuple[float, float]:
    """The range around 0 whose 256 steps give `values` [n, ...] with the least squared error.

    Clipped is what is outside (Nagel et al. 2021, A white paper on neural network quantization,
    2106.08295, section 3.1). What counts is the error of the worst window but the worst 5 %: a
    mean would follow the few windows with a knock in them, as the converter's own range does.
    """
    rows = values.reshape(len(values), -1)
    some = np.random.default_rng(0).permutation(rows.shape[1])[: -(-_MOST_VALUES // len(rows))]
    rows = rows[:, some]
    low, high = min(float(rows.min()), 0.0), max(float(rows.max()), 1e-6)
    errors = [
        np.quantile(np.mean((_rounded(rows, low * f, high * f) - rows) ** 2, axis=1), _WINDOWS)
        for f in _FACTORS
    ]
    best = float(_FACTORS[int(np.argmin(errors))])
    return low * best, high * best


def _rounded(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    step = (high - low) / 255
    return np.clip(np.rint(values / step), np.rint(low / step), np.rint(high / step)) * step


def _built(nodes: list[Node], ranges: dict[str, tuple[float, float]]) -> Any:
    """The nodes as a Keras model; those with a range are followed by its rounding."""
    import keras

    range_layer, weight_layer = _layer_kinds()
    first, *others = nodes
    inputs = keras.Input(first.layer.batch_shape[1:])
    outputs = {first.name: inputs}
    if first.name in ranges:
        fixed = range_layer(*ranges[first.name], name=f"{first.name}_range", trainable=False)
        outputs[first.name] = fixed(inputs)
    for node in others:
        given = [outputs[name] for name in node.inputs]
        layer = (
            type(node.layer).from_config(node.layer.get_config())
            if node.kernel is None
            else weight_layer(node, name=node.name)
        )
        made = layer(given if len(given) > 1 else given[0])
        if node.rounded and node.name in ranges:
            made = range_layer(*ranges[node.name], name=f"{node.name}_range")(made)
        outputs[node.name] = made
    return keras.Model(inputs, outputs[nodes[-1].name])


@cache
def _layer_kinds() -> tuple[Any, Any]:
    """Keras layers: (range of an activation, convolution or dense with rounded weights)."""
    import keras
    import tensorflow as tf

    class Range(keras.layers.Layer):
        def __init__(self, low: float, high: float, **options: Any) -> None:
            super().__init__(**options)
            self.low, self.high = low, high
            self.factor = self.add_weight(shape=(), initializer="zeros", name="log_factor")

        def call(self, x: Any) -> Any:
            factor = tf.exp(tf.convert_to_tensor(self.factor))
            return tf.quantization.fake_quant_with_min_max_vars(
                x, self.low * factor, self.high * factor
            )

    class Weighted(keras.layers.Layer):
        def __init__(self, node: Node, **options: Any) -> None:
            super().__init__(**options)
            self.node = node
            assert node.kernel is not None
            assert node.bias is not None
            self.kernel = self.add_weight(shape=node.kernel.shape, name="kernel")
            self.bias = self.add_weight(shape=node.bias.shape, name="bias")
            self.kernel.assign(node.kernel)
            self.bias.assign(node.bias)

        def compute_output_shape(self, shape: Any) -> Any:
            return self.node.layer.compute_output_shape(shape)

        def call(self, x: Any, training: bool = False) -> Any:
            kernel = tf.convert_to_tensor(self.kernel)
            if training:
                kernel = _fake_quantised_weights(kernel, self.bias.shape[0])
            y = _applied(self.node, x, kernel) + self.bias
            return tf.nn.relu(y) if self.node.relu else y

    def _fake_quantised_weights(kernel: Any, channels: int) -> Any:
        flat = tf.reshape(kernel, (-1, channels))
        most = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(flat), axis=0), 1e-9))
        rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            flat, -most, most, narrow_range=True
        )
        return tf.reshape(rounded, kernel.shape)

    return Range, Weighted


def _applied(node: Node, x: Any, kernel: Any) -> Any:
    import keras

    if node.kind == "Dense":
        return keras.ops.matmul(x, kernel)
    convolve = keras.ops.conv if node.kind == "Conv2D" else keras.ops.depthwise_conv
    layer = node.layer
    return convolve(x, kernel, layer.strides, layer.padding, layer.data_format, layer.dilation_rate)
