"""What the gate expects of these recordings beyond what it expects of all: gravity."""

from __future__ import annotations

import numpy as np

from tinyops.data.quality.rules import Rule
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project


def gravity_g(recording: Recording) -> float | None:
    """Length of the mean acceleration in g; arms that exercise go nowhere, so gravity is left."""
    axes = [at for at, name in enumerate(recording.channels) if name in ("ax", "ay", "az")]
    if len(axes) != 3:
        return None
    return float(np.linalg.norm(recording.signal[axes].mean(axis=1, dtype=np.float64)))


columns = {"gravity_g": gravity_g}


def expectations(project: Project) -> list[Rule]:
    """The arm turns and its swing adds, so the mean is 1 g only roughly."""
    return [
        Rule(
            name="gravity",
            why="0.2 to 2.5 g of gravity in the mean acceleration",
            fix="check the unit (g, not m/s^2) and that all three axes are there",
            kind="ExpectColumnValuesToBeBetween",
            settings={"column": "gravity_g", "min_value": 0.2, "max_value": 2.5},
        )
    ]
