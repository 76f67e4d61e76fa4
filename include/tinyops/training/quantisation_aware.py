"""Quantisation-aware training: a trained model learns to give the same outputs when rounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyops.frontend import Frontend
from tinyops.training.augment import augmenter
from tinyops.training.fake_quant import fake_quantised
from tinyops.training.fit import import_keras
from tinyops.training.recipe import Recipe
from tinyops.training.windows import WindowSet

_RATE = 0.1
"""Of the recipe's learning rate: the weights are nearly where they shall be."""
_HUBER = 0.3
"""Errors of a logit beyond it count in proportion, not squared: clipped outliers shall not rule."""
_SAMPLE = 256


def quantisation_aware(
    model: Any,
    train: WindowSet,
    frontend: Frontend,
    recipe: Recipe,
    say: Callable[[str], None],
) -> Any:
    """A Keras model with learnt ranges, for `quantise`; `model` stays as it is.

    What is learnt is the float model's logits on the varied training windows (regression on logits:
    Ba and Caruana 2014, Do deep nets really need to be deep?, 1312.6184), not the labels: classes,
    confidence and the tail of the score are all to be as before.

    Raises
    ------
    TrainingError
        The model holds a layer that this cannot train.
    """
    keras = import_keras()
    keras.utils.set_random_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    inputs = train.inputs(frontend)
    zero, scale = frontend.input_zero_point, frontend.input_scale
    some = np.linspace(0, len(inputs) - 1, min(_SAMPLE, len(inputs))).round().astype(int)
    rounded = fake_quantised(model, inputs[some], (-128 - zero) * scale, (127 - zero) * scale)
    steps = -(-len(train) // recipe.batch_size) * recipe.qat_epochs
    rate = keras.optimizers.schedules.CosineDecay(_RATE * recipe.learning_rate, steps)
    rounded.compile(keras.optimizers.Adam(rate), keras.losses.Huber(_HUBER))
    vary = augmenter(frontend.spec, recipe, healthy=inputs[train.labels == 0])
    started = time.monotonic()
    for epoch in range(1, recipe.qat_epochs + 1):
        varied = vary(inputs[rng.permutation(len(train))], rng)
        wanted = model.predict(varied, batch_size=512, verbose=0)
        rounded.reset_metrics()
        for at in range(0, len(train), recipe.batch_size):
            rows = slice(at, at + recipe.batch_size)
            loss = rounded.train_on_batch(varied[rows], wanted[rows])
        say(
            f"quantisation-aware epoch {epoch}/{recipe.qat_epochs} Huber loss of logits "
            f"{float(loss):.4f} ({time.monotonic() - started:.0f} s)"
        )
    return rounded
