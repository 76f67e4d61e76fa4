"""Fit a Keras model on features: seeded, balanced, stopped where validation is best."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.frontend import Frontend
from tinyops.training.evaluate import macro_f1
from tinyops.training.models import build
from tinyops.training.recipe import Recipe
from tinyops.training.stream import batches, rows_at_once
from tinyops.training.windows import WindowSet

Say = Callable[[str], None]
_PREDICT = 512


def fit(
    train: WindowSet,
    validation: WindowSet | None,
    frontend: Frontend,
    classes: int,
    recipe: Recipe,
    say: Say = print,
) -> Any:
    """A trained Keras model with outputs [n, 1, 1, classes].

    The weights are those of the epoch with the best macro F1 on `validation` in the second half of
    the run; without validation, those of the last epoch.
    """
    keras = import_keras()
    keras.utils.set_random_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    model = build(frontend.output_shape, classes, recipe)
    steps = -(-len(train) // recipe.batch_size)
    model.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps * recipe.epochs),
            weight_decay=recipe.weight_decay,
        ),
        _loss(keras, classes, recipe.label_smoothing),
    )
    weights = _class_weights(train.labels, classes)
    stream = iter(batches(train, frontend, recipe, weights, rng))
    best, best_weights, started = -1.0, None, time.monotonic()
    for epoch in range(1, recipe.epochs + 1):
        model.reset_metrics()
        # Keras 3.15: `model.fit` called for every epoch sets itself up each time, a quarter more.
        for batch in itertools.islice(stream, steps):
            loss = model.train_on_batch(*batch)
        line = f"epoch {epoch}/{recipe.epochs} loss {float(loss):.3f}"
        if validation is not None and epoch > recipe.epochs // 2:
            found = logits_of(model, validation, frontend).argmax(axis=1)
            score = macro_f1(validation.labels, found, classes)
            line += f" validation macro F1 {score:.3f}"
            if score >= best:
                best, best_weights = score, model.get_weights()
        say(f"{line} ({time.monotonic() - started:.0f} s)")
    # TensorFlow 2.21: a stream dropped before its end holds up, for 10 to 40 s, whoever comes to
    # collect it.
    next(stream, None)
    if best_weights is not None:
        model.set_weights(best_weights)
    return model


def predict(model: Any, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Classes [n] by the float model."""
    return np.asarray(float_logits(model, inputs).argmax(axis=1), dtype=np.int64)


def float_logits(model: Any, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits [n, classes] by the float model."""
    logits = model.predict(inputs, batch_size=_PREDICT, verbose=0)
    return np.asarray(logits, dtype=np.float32).reshape(len(inputs), -1)


def logits_of(model: Any, windows: WindowSet, frontend: Frontend) -> NDArray[np.float32]:
    """Logits [n, classes] of a set by the float model, a block of its features in memory."""
    size = rows_at_once(frontend.output_shape, _PREDICT)
    blocks = [
        float_logits(model, windows.inputs(frontend, slice(start, start + size)))
        for start in range(0, len(windows), size)
    ]
    return np.concatenate(blocks)


def import_keras() -> Any:
    """Keras on TensorFlow, quiet, on TINYOPS_THREADS threads (2)."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import tensorflow as tf

    threads = int(os.environ.get("TINYOPS_THREADS", "2"))

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        pass  # TensorFlow runs already; its threads stay as they are.
    import keras

    return keras


def _loss(keras: Any, classes: int, smoothing: float) -> Any:
    def loss(labels: Any, logits: Any) -> Any:
        wanted = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), classes)
        return keras.losses.categorical_crossentropy(
            wanted,
            keras.ops.reshape(logits, (-1, classes)),
            from_logits=True,
            label_smoothing=smoothing,
        )

    return loss


def _class_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    found = np.maximum(np.bincount(labels, minlength=classes), 1)
    return (len(labels) / (classes * found)).astype(np.float32)
