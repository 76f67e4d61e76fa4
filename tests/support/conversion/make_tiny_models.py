"""Make the small models of these tests: `python -m tests.support.conversion.make_tiny_models`.

`tiny` and `other` have the same shapes and other weights, `spectral` takes what a small spectrum
frontend gives. They have what the canonical form removes: an open batch and a SOFTMAX at the end;
and SAME padding that is not the same on both sides. `image` takes an image of three channels and
strides over it. `many_outputs` and `large_input` exceed a frame of the link. `lstm` keeps a state
from one input to the next; Keras 3 does not convert to the fused operator, so it takes PyPI's
tf_keras, which the project does not install.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (32, 1, 1)
SPECTRAL = (16, 1, 3)
IMAGE = (12, 16, 3)
SEQUENCE = (8, 4)
CLASSES = 4


def make(seed: int, shape: tuple[int, int, int] = SHAPE) -> bytes:
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv2D(8, (5, 1), (2, 1), "same", activation="relu"),
            keras.layers.DepthwiseConv2D((3, 1), (2, 1), "same", activation="relu"),
            keras.layers.Conv2D(8, 1, activation="relu"),
            keras.layers.AveragePooling2D((shape[0] // 4, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES),
            keras.layers.Softmax(),
        ]
    )
    return _converted(model, seed)


def make_image(seed: int) -> bytes:
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(IMAGE),
            keras.layers.Conv2D(8, 3, 2, "same", activation="relu"),
            keras.layers.DepthwiseConv2D(3, 2, "same", activation="relu"),
            keras.layers.AveragePooling2D((3, 4)),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES),
        ]
    )
    return _converted(model, seed)


def make_many_outputs(seed: int) -> bytes:
    """1100 outputs: more than one frame of the link carries."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((1, 1, 4)), keras.layers.Conv2D(1100, 1)])
    return _converted(model, seed)


def make_large_input(seed: int) -> bytes:
    """256 x 300 values of input: more than 16 bits address."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((256, 300, 1)),
            keras.layers.Conv2D(2, 16, 16, activation="relu"),
            keras.layers.AveragePooling2D((16, 18)),
            keras.layers.Conv2D(CLASSES, 1),
        ]
    )
    return _converted(model, seed)


def make_lstm(seed: int) -> bytes:
    import tf_keras

    tf_keras.utils.set_random_seed(seed)
    model = tf_keras.Sequential(
        [
            tf_keras.layers.Input(SEQUENCE, batch_size=1),
            tf_keras.layers.LSTM(6),
            tf_keras.layers.Dense(CLASSES),
        ]
    )
    return _converted(model, seed)


def _converted(model: Any, seed: int) -> bytes:
    import tensorflow as tf

    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if "bias" in getattr(weight, "path", ""):  # the converter drops a bias of zeros
            weight.assign(generator.normal(size=weight.shape, scale=0.3))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter.representative_dataset = lambda: (
        [generator.normal(size=(1, *model.input_shape[1:])).astype(np.float32)] for _ in range(100)
    )
    return bytes(converter.convert())


if __name__ == "__main__":
    folder = Path(__file__).with_name("models")
    for name, seed in (("tiny", 1), ("other", 2)):
        (folder / f"{name}.tflite").write_bytes(make(seed))
    (folder / "spectral.tflite").write_bytes(make(3, SPECTRAL))
    (folder / "lstm.tflite").write_bytes(make_lstm(4))
    (folder / "many_outputs.tflite").write_bytes(make_many_outputs(5))
    (folder / "large_input.tflite").write_bytes(make_large_input(6))
    (folder / "image.tflite").write_bytes(make_image(3))
