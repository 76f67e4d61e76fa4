"""Quantisation-aware training: a trained model learns to give the same outputs when rounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyops.frontend import Frontend
from tinyops.training.fake_quant import fake_quantised
from tinyops.training.fit import import_keras
from tinyops.training.recipe import Recipe
from tinyops.training.stream import varied_blocks
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
    zero, scale = frontend.input_zero_point, frontend.input_scale
    some = np.linspace(0, len(train) - 1, min(_SAMPLE, len(train))).round().astype(int)
    sample = train.inputs(frontend, some)
    rounded = fake_quantised(model, sample, (-128 - zero) * scale, (127 - zero) * scale)
    steps = -(-len(train) // recipe.batch_size) * recipe.qat_epochs
    rate = keras.optimizers.schedules.CosineDecay(_RATE * recipe.learning_rate, steps)
    rounded.compile(keras.optimizers.Adam(rate), keras.losses.Huber(_HUBER))
    started = time.monotonic()
    for epoch in range(1, recipe.qat_epochs + 1):
        rounded.reset_metrics()
        for _, varied in varied_blocks(train, frontend, recipe, rng):
            wanted = model.predict(varied, batch_size=512, verbose=0)
            for start in range(0, len(varied), recipe.batch_size):
                part = slice(start, start + recipe.batch_size)
                loss = rounded.train_on_batch(varied[part], wanted[part])
        say(
            f"quantisation-aware epoch {epoch}/{recipe.qat_epochs} Huber loss of logits "
            f"{float(loss):.4f} ({time.monotonic() - started:.0f} s)"
        )
    return rounded
