"""Models that int8 does not suit, small, for tests and benchmarks.

Windows are sines of four frequencies in noise, one class each; `knocks` of them are amplified until
the sensor saturates. A converter that takes the range of every activation from the extremes of its
representative set then leaves a few steps for all other windows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyops.frontend import Frontend, FrontendSpec
from tinyops.projects import Project, load_project
from tinyops.training.models import build
from tinyops.training.recipe import Recipe
from tinyops.training.windows import WindowSet

WINDOW = 32
SCALE = 1 / 32
FRONTEND = Frontend(FrontendSpec("identity", WINDOW, WINDOW, 1, (WINDOW, 1, 1), SCALE, 0))
RECIPE = Recipe(width=8, blocks=2, epochs=8, learning_rate=0.01, dropout=0.0)
_CYCLES = np.array([2, 4, 6, 9])


def project(**objective: float) -> Project:
    """Four classes; the objective's limits as given, else as they are by default."""
    full = load_project("motor_health")
    values = {"minimum": 0.5, **objective}
    return full.model_copy(
        update={
            "labels": ["a", "b", "c", "d"],
            "objective": type(full.objective)(**values),
        }
    )


def windows(count: int, seed: int, knocks: float = 0.0, noise: float = 3.0) -> WindowSet:
    """`count` windows of five machines, classes in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    cycles = _CYCLES[labels][:, None] + rng.normal(0, 0.3, (count, 1))
    turns = np.arange(WINDOW)[None, :] / WINDOW * cycles + rng.uniform(0, 1, (count, 1))
    signal = 4 * np.sin(2 * np.pi * turns) + rng.normal(0, noise, (count, WINDOW))
    signal[rng.random(count) < knocks] *= 30
    features = np.clip(np.rint(signal), -128, 127).astype(np.int8)[:, :, None, None]
    machines = np.array([f"m{number % 5}" for number in range(count)])
    names = np.array([f"r{number}" for number in range(count)])
    return WindowSet(features, labels, machines, names)


def copied(model: Any) -> Any:
    """A model of RECIPE with weights of its own."""
    twin = build(FRONTEND.output_shape, 4, RECIPE)
    twin.set_weights(model.get_weights())
    return twin


def with_outlier_channel(model: Any, factor: float = 100.0) -> Any:
    """The same function; one channel of the first map is `factor` times as large as it was."""
    twin = copied(model)
    norm = next(layer for layer in twin.layers if type(layer).__name__ == "BatchNormalization")
    behind = next(layer for layer in twin.layers if type(layer).__name__ == "DepthwiseConv2D")
    scale = np.ones(RECIPE.width, np.float32)
    scale[0] = factor
    norm.gamma.assign(np.asarray(norm.gamma) * scale)
    norm.beta.assign(np.asarray(norm.beta) * scale)
    behind.kernel.assign(np.asarray(behind.kernel) / scale[:, None])
    return twin
