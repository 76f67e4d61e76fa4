"""Make the small models of these tests: `python -m tests.support.conversion.make_tiny_models`.

`tiny` and `other` have the same shapes and other weights, `spectral` takes what a small spectrum
frontend gives. They have what the canonical form removes: an open batch and a SOFTMAX at the end;
and SAME padding that is not the same on both sides. `image` takes an image of three channels and
strides over it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (32, 1, 1)
SPECTRAL = (16, 1, 3)
IMAGE = (12, 16, 3)
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


def _converted(model: Any, seed: int) -> bytes:
    import tensorflow as tf

    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if "bias" in weight.path:  # the converter drops a bias of zeros
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
    (folder / "image.tflite").write_bytes(make_image(3))
