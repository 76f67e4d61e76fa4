"""Model builders. Every model ends in logits [batch, 1, 1, classes] and uses few operators.

The operators are those that the ahead-of-time compiler and CMSIS-NN know: CONV_2D,
DEPTHWISE_CONV_2D, MAX_POOL_2D, ADD and PAD; batch norm and ReLU are folded by the converter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinyops.training.recipe import Recipe, TrainingError


def build(shape: tuple[int, ...], classes: int, recipe: Recipe) -> Any:
    """A Keras model from [H, W, C] to logits [1, 1, classes].

    Raises
    ------
    TrainingError
        No builder of that name.
    """
    try:
        builder = BUILDERS[recipe.model]
    except KeyError:
        raise TrainingError(
            f"training.model: no builder {recipe.model!r}",
            f"use one of: {', '.join(sorted(BUILDERS))}",
        ) from None
    return builder(shape, classes, recipe)


def ds_cnn(shape: tuple[int, ...], classes: int, recipe: Recipe) -> Any:
    """Depthwise separable convolutions along the map's height (Zhang et al. 2017, 1711.07128).

    The last map is weighed by a depthwise convolution of its full height, not averaged: where along
    the height something is says which class it is (Chen et al. 2018, MobileFaceNets, 1804.07573).
    """
    import keras
    from keras import layers

    def activated(x: Any) -> Any:
        # Keras' momentum of 0.99 follows too slowly for runs of a few hundred steps.
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    def convolved(x: Any, filters: int, size: tuple[int, int]) -> Any:
        return activated(layers.Conv2D(filters, size, padding="same", use_bias=False)(x))

    width, tall = recipe.width, (recipe.kernel, 1)
    inputs = keras.Input(shape)
    x = convolved(inputs, width, tall)
    for block in range(recipe.blocks):
        x = layers.DepthwiseConv2D(tall, (2, 1), padding="same", use_bias=False)(x)
        x = convolved(activated(x), width + width // 2 * block, (1, 1))
    x = layers.DepthwiseConv2D(x.shape[1:3], use_bias=False)(x)
    x = layers.Dropout(recipe.dropout)(activated(x))
    x = convolved(x, width + width // 2, (1, 1))
    x = layers.Dropout(recipe.dropout / 2)(x)
    return keras.Model(inputs, layers.Conv2D(classes, 1)(x))


BUILDERS: dict[str, Callable[[tuple[int, ...], int, Recipe], Any]] = {"ds_cnn": ds_cnn}
