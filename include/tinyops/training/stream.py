"""Training windows as a stream: varied block by block, batched, the next ones made ahead.

Of features as real numbers one block is in memory, not all; a small training part is one block, so
it sees the very numbers that it would see if all were varied at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyops.frontend import Frontend
from tinyops.training.augment import augmenter
from tinyops.training.recipe import Recipe
from tinyops.training.windows import WindowSet

BLOCK_BYTES = 64 << 20
"""Of float32 features; varying them takes several times as much."""

AHEAD = 4
"""Batches that wait for the training step."""


@dataclass(frozen=True, eq=False)
class RealInputs:
    """Some windows of a set as real numbers, converted when they are asked for."""

    windows: WindowSet
    frontend: Frontend
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.windows.inputs(self.frontend, self.rows[chosen])


def rows_at_once(shape: tuple[int, ...], multiple: int) -> int:
    """Windows of a block: about BLOCK_BYTES of float32 [n, *shape], a multiple of a batch."""
    return max(1, BLOCK_BYTES // (4 * math.prod(shape)) // multiple) * multiple


def varied_blocks(
    train: WindowSet, frontend: Frontend, recipe: Recipe, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """One epoch in a random order: rows [b] of the set, and their features, varied, float32."""
    healthy = RealInputs(train, frontend, np.flatnonzero(train.labels == 0))
    vary = augmenter(frontend.spec, recipe, healthy)
    order = rng.permutation(len(train))
    size = rows_at_once(frontend.output_shape, recipe.batch_size)
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield rows, vary(train.inputs(frontend, rows), rng)


def batches(
    train: WindowSet,
    frontend: Frontend,
    recipe: Recipe,
    weights: NDArray[np.float32],
    rng: np.random.Generator,
) -> Any:
    """All epochs as a tf.data.Dataset of (features, labels, weights), repeatable with `rng`.

    `weights` [classes] are those of a window's class. Batches are made in another thread, so that
    variation goes on while a training step runs.
    """
    import tensorflow as tf

    def made() -> Iterator[tuple[Any, ...]]:
        for _ in range(recipe.epochs):
            for rows, varied in varied_blocks(train, frontend, recipe, rng):
                labels = train.labels[rows]
                for start in range(0, len(rows), recipe.batch_size):
                    part = slice(start, start + recipe.batch_size)
                    yield varied[part], labels[part], weights[labels[part]]

    signature = (
        tf.TensorSpec((None, *frontend.output_shape), tf.float32),
        tf.TensorSpec((None,), tf.int64),
        tf.TensorSpec((None,), tf.float32),
    )
    return tf.data.Dataset.from_generator(made, output_signature=signature).prefetch(AHEAD)
