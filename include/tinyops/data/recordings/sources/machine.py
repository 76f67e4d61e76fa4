"""What differs from one simulated motor to the next, and from one recording to the next.

All ranges of the machine simulator are here. They describe a plant whose motors share one bearing
type (6205: nine balls of 7.94 mm on a 39.04 mm pitch circle) and turn at 1200 to 1800 rpm, but
differ in tolerance, structure, mounting, sensor, driven load and in how far a fault has gone.
Healthy motors rattle too: looseness, belt joints and process knocks occur on all of them alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyops.data.recordings.sources.bearing import Bearing

FAULTS = ("inner_race", "outer_race", "ball")


@dataclass(frozen=True)
class Mode:
    """A structural resonance: frequency in Hz, damping ratio, share of the response."""

    frequency: float
    damping: float
    weight: float


@dataclass(frozen=True)
class Machine:
    """One simulated motor. Amplitudes are multiples of its broadband noise (RMS)."""

    machine_id: str
    bearing: Bearing
    speed_hz: float
    modes: tuple[Mode, ...]
    noise: float
    structural_noise: float
    noise_slope: float
    gain: float
    harmonics: tuple[float, ...]
    gear_teeth: int
    gear: float
    electrical: tuple[float, ...]
    looseness: float
    belt: float
    belt_order: float
    knocks_per_second: float
    knock: float
    load_zone: float
    severity: dict[str, float]


@dataclass(frozen=True)
class Scenario:
    """A change of the world, for drills.

    Parameters
    ----------
    speed, noise, gain
        Factors on shaft speed, background noise and the sensor's gain.
    load
        The least load, 0 to 1: loads lie between it and 1.
    """

    speed: float = 1.0
    noise: float = 1.0
    gain: float = 1.0
    load: float = 0.0


def draw_machine(machine_id: str, rng: np.random.Generator) -> Machine:
    """Draw one motor."""

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def log_between(low: float, high: float) -> float:
        return math.exp(between(math.log(low), math.log(high)))

    def sometimes(chance: float, value: float) -> float:
        return value if rng.random() < chance else 0.0

    return Machine(
        machine_id=machine_id,
        bearing=Bearing(
            balls=9,
            ratio=7.94 / 39.04 * between(0.985, 1.015),
            contact_angle=math.radians(between(0.0, 12.0)),
        ),
        speed_hz=between(1200.0, 1800.0) / 60.0,
        modes=(
            Mode(between(1800.0, 5000.0), between(0.02, 0.06), 1.0),
            Mode(between(5000.0, 8500.0), between(0.02, 0.06), between(0.2, 0.8)),
            Mode(between(700.0, 1800.0), between(0.02, 0.08), between(0.0, 0.4)),
        ),
        noise=log_between(0.8, 4.0),
        structural_noise=between(0.1, 0.5),
        noise_slope=between(0.0, 0.6),
        gain=between(0.7, 1.4),
        harmonics=tuple(log_between(0.1, 1.0) / order for order in range(1, 7)),
        gear_teeth=int(rng.integers(17, 32)),
        gear=sometimes(0.4, log_between(0.1, 0.6)),
        electrical=tuple(log_between(0.05, 0.5) / order for order in range(1, 4)),
        looseness=sometimes(0.4, log_between(5.0, 20.0)),
        belt=sometimes(0.3, log_between(5.0, 20.0)),
        belt_order=between(0.2, 0.45),
        knocks_per_second=log_between(0.3, 8.0),
        knock=log_between(6.0, 30.0),
        load_zone=between(0.35, 0.6),
        severity={fault: log_between(6.0, 20.0) for fault in FAULTS},
    )
