"""The sound of one simulated motor, as a microphone beside it hears it.

The housing of vibration.py radiates as a pulsating sphere (Kinsler, Frey, Coppens and Sanders 2000,
Fundamentals of Acoustics, 4th ed., section 7.1) whose plates resonate; the fan and the hall are
added. No echoes: within about a metre the direct sound prevails.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyops.data.recordings.sources.machine import Machine, Scenario
from tinyops.data.recordings.sources.surroundings import Surroundings, ratio
from tinyops.data.recordings.sources.vibration import Signal, acceleration, shaft_turns

_AIR_DENSITY, _SOUND_SPEED = 1.20, 343.0  # kg/m^3 and m/s at 20 degrees Celsius
_OVERSAMPLING = 2  # the housing rings up to 8.5 kHz, beyond half the rate of a 16 kHz microphone
_LEAD_SECONDS = 0.05  # dropped: filters work on a circle, what rings over the end lands here
_HALL_SPREAD_DB = 3.0
_LOWEST_HZ = 20.0
_LOW_CUT_HZ = 60.0  # PDM microphones are specified from 100 Hz on

Spectrum = NDArray[np.complex128]


def hear(
    machine: Machine,
    surroundings: Surroundings,
    label: str,
    rate_hz: float,
    samples: int,
    load: float,
    speed_hz: float,
    scenario: Scenario,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Sound pressure in Pa, float32 [samples]; other parameters as of vibration.record.

    The last step is the microphone's: a first-order low cut.
    """
    lead = round(_LEAD_SECONDS * rate_hz)
    size = lead + samples
    shaft_hz, fast = speed_hz * scenario.speed, rate_hz * _OVERSAMPLING
    turns = shaft_turns(size * _OVERSAMPLING, fast, shaft_hz, rng)
    housing = acceleration(machine, label, fast, turns, load, speed_hz, scenario, rng)
    fan = _fan(surroundings, turns[::_OVERSAMPLING], shaft_hz, rng)
    hall = surroundings.hall * scenario.noise * ratio(rng.normal(0, _HALL_SPREAD_DB))
    frequency = np.arange(size // 2 + 1, dtype=np.float64) * (rate_hz / size)
    pressure = machine.noise * _decimated(housing) * _radiation(surroundings, frequency)
    pressure += np.fft.rfft(fan + hall * _pink(size, rate_hz, rng))
    pressure *= frequency / (frequency - 1j * _LOW_CUT_HZ)
    gain = scenario.gain * surroundings.sensitivity
    return gain * np.fft.irfft(pressure, size)[lead:].astype(np.float32)


def _decimated(signal: Signal) -> Spectrum:
    """Spectrum at the lower rate, by an ideal decimation filter."""
    return np.fft.rfft(signal)[: len(signal) // _OVERSAMPLING // 2 + 1] / _OVERSAMPLING


def _radiation(surroundings: Surroundings, frequency: Signal) -> Spectrum:
    """Pressure for a housing's acceleration, Pa per m/s^2, at each frequency.

    A pulsating sphere of radius a at distance r gives rho a^2 / (r (1 + jka)) for its surface's
    acceleration: flat while the sphere is small against the wavelength, then as the velocity.
    """
    radius = surroundings.radius
    corner = 1 + 2j * np.pi * frequency / _SOUND_SPEED * radius
    casing = np.ones(len(frequency), dtype=np.complex128)
    for mode in surroundings.casing:
        relative = frequency / mode.frequency
        loss = 2j * mode.damping * relative
        casing += mode.weight * loss / (1 - relative**2 + loss)
    return np.asarray(_AIR_DENSITY * radius**2 / surroundings.distance * casing / corner)


def _fan(
    surroundings: Surroundings, turns: Signal, shaft_hz: float, rng: np.random.Generator
) -> Signal:
    """The blade tone and two multiples; power grows as the fifth to sixth power of speed."""
    peak = np.sqrt(2) * surroundings.fan * (shaft_hz / 25.0) ** 2.75
    tone = np.zeros(len(turns))
    for order in (1, 2, 3):
        phase = order * surroundings.fan_blades * turns + rng.uniform()
        tone += peak / order**2 * np.sin(2 * np.pi * phase)
    return tone


def _pink(samples: int, rate_hz: float, rng: np.random.Generator) -> Signal:
    """Noise with equal power in every octave from 20 Hz on, RMS 1."""
    frequency = np.fft.rfftfreq(samples, 1 / rate_hz)
    shape = np.where(frequency < _LOWEST_HZ, 0.0, 1 / np.sqrt(np.maximum(frequency, _LOWEST_HZ)))
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * shape, samples)
    return np.asarray(noise / noise.std())
