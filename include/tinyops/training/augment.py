"""Variation of training features that leaves the class as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyops.frontend import FrontendSpec
from tinyops.training.recipe import Recipe

Batch = NDArray[np.float32]
Augment = Callable[[Batch, np.random.Generator], Batch]


class Windows(Protocol):
    """An array of windows, or what gives some of them when asked."""

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: NDArray[np.int64], /) -> Batch: ...


def augmenter(spec: FrontendSpec, recipe: Recipe, healthy: Windows | None = None) -> Augment:
    """The variations that a recipe asks for, for maps of one kind of frontend.

    Parameters
    ----------
    healthy
        Training windows [n, H, W, C] of the first class, for `mix`.
    """

    def vary(batch: Batch, rng: np.random.Generator) -> Batch:
        if spec.kind == "spectrum":
            batch = _spectrum(batch, spec, recipe, rng)
            if recipe.mix and healthy is not None and len(healthy):
                other = healthy[rng.integers(0, len(healthy), len(batch))]
                batch = _mixed(batch, _spectrum(other, spec, recipe, rng), spec, recipe.mix, rng)
        elif spec.kind == "samples":
            batch = _samples(batch, recipe, rng)
        return _noise(batch, recipe, rng)

    return vary


def _mixed(
    batch: Batch, other: Batch, spec: FrontendSpec, chance: float, rng: np.random.Generator
) -> Batch:
    """Add the modulation of another, healthy machine: a rattle that a fault may come with.

    Powers of independent modulations add. Carriers are logarithms of power with half a unit of the
    model's input for a factor of two; the other one is taken between 1 and 3 such factors weaker.
    """
    weaker = rng.uniform(0.5, 1.5, (len(batch), 1, 1, 1))
    both = np.logaddexp2(2 * batch, 2 * (other - weaker)) / 2
    columns = np.arange(batch.shape[3]) % (int(spec.parameters["carriers"]) + 2)
    hit = rng.random((len(batch), 1, 1, 1)) < chance
    return np.where(hit & (columns < int(spec.parameters["carriers"])), both, batch).astype(
        np.float32
    )


def _noise(batch: Batch, recipe: Recipe, rng: np.random.Generator) -> Batch:
    if not recipe.noise:
        return batch
    return batch + rng.normal(0, recipe.noise, batch.shape).astype(np.float32)


def _spectrum(batch: Batch, spec: FrontendSpec, recipe: Recipe, rng: np.random.Generator) -> Batch:
    """Another speed stretches all but the last column; another structure swaps the carriers."""
    carriers = int(spec.parameters["carriers"])
    columns = carriers + 2
    batch = batch.copy()
    for first in range(0, batch.shape[3], columns):
        if recipe.shuffle:
            order = np.argsort(rng.random((len(batch), carriers)), axis=1)
            part = batch[:, :, 0, first : first + carriers]
            batch[:, :, 0, first : first + carriers] = np.take_along_axis(
                part, order[:, None, :], axis=2
            )
    if recipe.warp:
        shapes = batch[..., columns - 1 :: columns].copy()
        batch = _stretch(batch, recipe.warp, rng)
        batch[..., columns - 1 :: columns] = shapes
    return batch


def _samples(batch: Batch, recipe: Recipe, rng: np.random.Generator) -> Batch:
    """A sensor worn a little otherwise, a movement done faster, larger or with the other arm.

    Channels are triples of axes; a triple is a vector, every second one (rotation) an axial one,
    whose mirror image keeps the component along the mirrored axis and turns the others round.
    """
    if recipe.warp:
        batch = _stretch(batch, recipe.warp, rng)
    count, triples = len(batch), batch.shape[3] // 3
    vectors = batch.reshape(count, batch.shape[1], triples, 3)
    if recipe.rotate:
        turn = _rotations(count, np.radians(recipe.rotate), rng)
        vectors = np.einsum("nij,nhtj->nhti", turn, vectors, optimize=True)
    if recipe.scale:
        factor = np.exp(rng.normal(0, recipe.scale, (count, 1, triples, 1)))
        vectors = vectors * factor
    if recipe.mirror:
        polar, axial = np.array([-1.0, 1, 1]), np.array([1.0, -1, -1])
        sign = np.stack([axial if i % 2 else polar for i in range(triples)])
        flip = rng.random((count, 1, 1, 1)) < recipe.mirror
        vectors = np.where(flip, vectors * sign, vectors)
    return vectors.reshape(batch.shape).astype(np.float32)


def _stretch(batch: Batch, reach: float, rng: np.random.Generator) -> Batch:
    """Stretch or squeeze along axis 1 from its start, linearly interpolated."""
    height = batch.shape[1]
    factor = rng.uniform(1 - reach, 1 + reach, (len(batch), 1))
    source = np.minimum(np.arange(height) * factor, height - 1.001)
    low = source.astype(np.int64)[:, :, None, None]
    part = (source - np.floor(source)).astype(np.float32)[:, :, None, None]
    left = np.take_along_axis(batch, low, axis=1)
    return left * (1 - part) + np.take_along_axis(batch, low + 1, axis=1) * part


def _rotations(count: int, sigma: float, rng: np.random.Generator) -> Batch:
    """Random rotations [count, 3, 3] by a normal angle about a random axis (Rodrigues)."""
    axis = rng.standard_normal((count, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = rng.normal(0, sigma, count)[:, None, None]
    zero = np.zeros(count)
    x, y, z = axis.T
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(count, 3, 3)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return np.asarray(turn, dtype=np.float32)
