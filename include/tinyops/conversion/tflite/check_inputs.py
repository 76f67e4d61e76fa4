"""Inputs that show whether two models compute the same: random ones and edges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = -128, 127
_RANDOM = 6


def check_inputs(shape: tuple[int, ...]) -> Iterator[NDArray[np.int8]]:
    """int8 inputs of `shape`: random, few values that saturate, constants, gradients, single peaks.

    A rewrite that shifts by a pixel or swaps axes shows on the gradients and on the peaks at the
    corners, a wrong zero point of padding on the constants, a wrong clamp where all saturates.
    """
    size = math.prod(shape)
    generator = np.random.default_rng(0)
    for _ in range(_RANDOM):
        yield generator.integers(LOWEST, HIGHEST + 1, shape).astype(np.int8)
    for share in (0.5, 0.02):
        yield np.where(generator.random(shape) < share, HIGHEST, LOWEST).astype(np.int8)
    for value in (LOWEST, -1, 0, 1, HIGHEST):
        yield np.full(shape, value, np.int8)
    rising = np.linspace(LOWEST, HIGHEST, size).round().astype(np.int8)
    yield rising.reshape(shape)
    yield rising[::-1].reshape(shape)
    for place in (0, size - 1, size // 2):
        peak = np.full(size, LOWEST, np.int8)
        peak[place] = HIGHEST
        yield peak.reshape(shape)


def as_type(
    values: NDArray[np.int8], kind: np.dtype[Any], scale: float, zero_point: int
) -> NDArray[Any]:
    """Inputs of type `kind` of which a QUANTIZE makes `values`, int8 of this quantisation."""
    if kind == np.uint8:
        return (values.astype(np.int16) + 128).astype(np.uint8)
    if kind == np.float32:
        return ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)
    return values
