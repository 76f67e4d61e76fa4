"""A reference of simulated inputs of four classes, and frames of devices that count them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.support.frame_makers import MODEL, VERSION, N, record
from tinyops.projects import load_project
from tinyops.projects.monitoring_section import Monitoring
from tinyops.sketches.frames import CLASSES, FrameRecord, SketchFrame, tag_byte
from tinyops.sketches.reference import Reference, build_reference
from tinyops.sketches.sketch import SketchSpec, build_sketch, count
from tinyops.store import Store, layout

SIZE, MACHINES, EACH = 16, 40, 20
NAMES = tuple(load_project("motor_health").labels)


@dataclass(frozen=True)
class Windows:
    """What devices meet: inputs int8 [n, SIZE], what the model decides, how sure it is."""

    inputs: NDArray[np.int8]
    truth: NDArray[np.int64]
    decided: NDArray[np.int64]
    confidences: NDArray[np.int64]
    machines: NDArray[np.int64]


def windows(seed: int, machines: int, each: int, shift: float = 0.0, only: int = -1) -> Windows:
    """Windows of some machines; `shift` moves all inputs, `only` leaves one class."""
    dice = np.random.default_rng(seed)
    # The same world for every seed.
    centers = np.random.default_rng(1).normal(0, 20, (len(NAMES), SIZE))
    machine = np.repeat(np.arange(machines), each)
    truth = dice.integers(0, len(NAMES), len(machine)) if only < 0 else np.full(len(machine), only)
    offsets = dice.normal(0, 3, (machines, SIZE))
    inputs = centers[truth] + offsets[machine] + dice.normal(0, 8, (len(machine), SIZE)) + shift
    right = dice.random(len(machine)) < 0.95
    decided = np.where(right | (only >= 0), truth, (truth + 1) % len(NAMES))
    confidences = np.clip(dice.normal(np.where(right, 230, 150), 15), 64, 255).astype(np.int64)
    clipped = np.clip(np.rint(inputs), -128, 127).astype(np.int8)
    return Windows(clipped, truth, decided, confidences, machine)


@cache
def reference() -> tuple[SketchSpec, Reference]:
    """The reference of this world, for frames of N windows; a false alarm in a thousand sets."""
    known = windows(2, MACHINES, EACH)
    monitoring = Monitoring(frame_windows=N, false_alarm_rate=0.001)
    spec = build_sketch(known.inputs, known.confidences, every=1, frame_windows=N)
    parts = np.array(["train", "validation", "test"])[known.machines % 3]
    made = build_reference(
        spec,
        known.inputs,
        known.truth,
        known.machines.astype(str),
        np.full(len(known.truth), "first"),
        parts,
        (np.eye(len(NAMES))[known.decided] * 100).astype(np.int8),
        known.confidences,
        monitoring,
        NAMES,
        MODEL,
    )
    return spec, made


def release_reference(store: Store, project: str, version: str = VERSION) -> None:
    """Put the reference into a release."""
    key = layout.release(project, version) + layout.REFERENCE
    store.put(key, reference()[1].to_json().encode())


def count_frames(
    seed: int, frames: int, first: int = 0, shift: float = 0.0, only: int = -1, **changes: object
) -> list[FrameRecord]:
    """Frames of a device that meets another machine with every window; `first` is the number of the
    first of them in its epoch."""
    spec, made = reference()
    met = windows(seed, frames * N, 1, shift, only)
    sketches = []
    for at in range(frames):
        own = slice(at * N, (at + 1) * N)
        counts = count(spec, met.inputs[own], met.decided[own], met.confidences[own])
        sketches.append(
            SketchFrame(
                model=int(MODEL[:2], 16),
                reference=tag_byte(made.tag),
                window=0,
                n=N,
                flags=0,
                histograms=tuple(tuple(map(int, row)) for row in counts.histograms),
                out_of_range=tuple(map(int, counts.out_of_range)),
                confidence=tuple(map(int, counts.confidence)),
                classes=tuple(map(int, counts.classes))[:CLASSES],
            )
        )
    said = {"reference_tag": made.tag, **changes}
    return [record(first + at, sketch, **said) for at, sketch in enumerate(sketches)]
