"""Windows of machines with offsets of their own, and the reference and counts made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tinyops.conversion.images.parameters import confidences_q8, exponent_table
from tinyops.projects.monitoring_section import Monitoring
from tinyops.sketches.conditions import units_of
from tinyops.sketches.reference import Reference, build_reference
from tinyops.sketches.sketch import Counts, SketchSpec, build_sketch, count

NAMES = ["normal", "inner", "outer", "ball"]
MODEL = "ab" * 32
SETTINGS = Monitoring(frame_windows=32, set_frames=4, false_alarm_rate=0.01)
_VALUES, _STEP = 24, 0.04


@dataclass(frozen=True, eq=False)
class Windows:
    """n windows: inputs int8 [n, 24], labels and machines [n], logits int8 [n, 4]."""

    x: NDArray[np.int8]
    labels: NDArray[np.int64]
    machines: NDArray[np.int64]
    logits: NDArray[np.int8]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the model has each right."""
        return self.logits.argmax(axis=1) == self.labels

    @property
    def confidences(self) -> NDArray[np.int64]:
        """[n], in 1/256."""
        return confidences_q8(self.logits, exponent_table(_STEP))

    def relabelled(self, labels: NDArray[np.int64]) -> Windows:
        """The same windows that mean something else."""
        return replace(self, labels=labels)


def windows(
    seed: int,
    machines: NDArray[np.integer] | range,
    per_machine: int = 16,
    labels: tuple[int, ...] = (0, 1, 2, 3),
    shift: float = 0.0,
    spread: float = 1.0,
    own: float = 6.0,
) -> Windows:
    """Windows of machines, as many of each; labels are drawn from `labels`.

    Parameters
    ----------
    shift, spread
        A change of the world: of level, and of the noise.
    own
        Standard deviation of what a machine adds to all of its windows.
    """
    rng = np.random.default_rng([seed, 1])
    who = np.repeat(np.asarray(machines), per_machine)
    truth = rng.choice(labels, len(who))
    x = rng.normal(0, 12 * spread, (len(who), _VALUES)) + shift
    x += np.stack([_offset(machine, own) for machine in who.tolist()])
    x[np.arange(len(who)), truth] += 40
    x[:, 8:14] += rng.normal(0, 15 * spread, (len(who), 1))
    x = np.clip(np.rint(x), -128, 127).astype(np.int8)
    return Windows(x, truth, who, x[:, :4].copy())


@cache
def _offset(machine: int, own: float) -> NDArray[np.float64]:
    return np.random.default_rng([machine, 2]).normal(0, own, _VALUES)


def sketch_of(found: Windows, settings: Monitoring = SETTINGS) -> SketchSpec:
    """A sketch of windows."""
    return build_sketch(
        found.x,
        found.confidences,
        every=1,
        frame_windows=settings.frame_windows,
        units=units_of(settings.population, found.machines.astype(str)),
    )


def reference(
    found: Windows,
    settings: Monitoring = SETTINGS,
    batches: NDArray[np.str_] | None = None,
    seed: int = 0,
) -> tuple[SketchSpec, Reference]:
    """A sketch and reference of windows; every third machine was held out of training."""
    spec = sketch_of(found, settings)
    made = build_reference(
        spec,
        found.x,
        found.labels,
        found.machines.astype(str),
        np.full(len(found.labels), "first") if batches is None else batches,
        np.where(found.machines % 3 == 0, "test", "train"),
        found.logits,
        found.confidences,
        settings,
        NAMES,
        MODEL,
        seed,
    )
    return spec, made


def counts(spec: SketchSpec, found: Windows, rows: NDArray[np.integer] | slice) -> Counts:
    """What a device counts of some windows."""
    return count(spec, found.x[rows], found.logits[rows].argmax(axis=1), found.confidences[rows])
