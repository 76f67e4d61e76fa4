"""What lies between a simulated motor and a microphone beside it: casing, air and hall.

The ranges are our own choice, for motors of a few kilowatts that radiate like a sphere of 30 to 50
cm and a board on a stand beside them: 55 to 85 dB(A), in a plant room that is quieter. In a hall as
loud as the motors, faults are lost in single windows of a quarter of a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinyops.data.recordings.sources.machine import Mode

REFERENCE_PA = 20e-6
"""Sound pressure of 0 dB (ISO 1683)."""


@dataclass(frozen=True)
class Surroundings:
    """How one motor is heard.

    Parameters
    ----------
    casing
        Resonances of the plates that radiate; `weight` is what one adds to a response of 1.
    radius, distance
        Of the radiating body and from its centre to the microphone, metres.
    fan_blades, fan
        Number of blades, and RMS pressure of the blade tone in Pa at 25 turns a second.
    hall
        RMS pressure of the hall's noise between 20 Hz and 8 kHz in Pa, before each recording's own.
    sensitivity
        Of this microphone, relative to the data sheet.
    """

    casing: tuple[Mode, ...]
    radius: float
    distance: float
    fan_blades: int
    fan: float
    hall: float
    sensitivity: float


def ratio(decibels: float) -> float:
    """How many times as large a pressure is that lies this many dB higher."""
    return math.pow(10.0, decibels / 20)


def pascal(decibels: float) -> float:
    """RMS pressure in Pa of a sound pressure level in dB."""
    return REFERENCE_PA * ratio(decibels)


def draw_surroundings(rng: np.random.Generator) -> Surroundings:
    """Draw what surrounds one motor."""

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return Surroundings(
        casing=(
            Mode(between(300.0, 1000.0), between(0.02, 0.06), between(0.5, 3.0)),
            Mode(between(1000.0, 3000.0), between(0.02, 0.06), between(0.5, 3.0)),
        ),
        radius=between(0.15, 0.25),
        distance=between(0.3, 0.6),
        fan_blades=int(rng.integers(5, 10)),
        fan=pascal(between(48.0, 60.0)),
        hall=pascal(between(45.0, 58.0)),
        sensitivity=ratio(between(-1.0, 1.0)),
    )
