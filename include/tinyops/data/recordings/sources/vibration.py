"""The vibration of one simulated motor, as an accelerometer on its bearing housing sees it.

Model of localised faults: impulses at the kinematic rate with random slip, weighted by the load
zone, exciting structural resonances (McFadden and Smith 1984; Randall and Antoni 2011, MSSP 25).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyops.data.recordings.sources.machine import Machine, Scenario

Signal = NDArray[np.float64]
SLIP = 0.012  # standard deviation of one interval; 1 to 2 % in Randall and Antoni 2011, section 2
_SPEED_JITTER = 0.004


def record(
    machine: Machine,
    label: str,
    rate_hz: float,
    samples: int,
    load: float,
    speed_hz: float,
    scenario: Scenario,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Acceleration in m/s^2, float32 [samples].

    Parameters
    ----------
    label
        `normal` or one of machine.FAULTS.
    load
        0 to 1; scales what the load drives.
    speed_hz
        Mean shaft speed before the scenario's factor.
    """
    turns = shaft_turns(samples, rate_hz, speed_hz * scenario.speed, rng)
    signal = acceleration(machine, label, rate_hz, turns, load, speed_hz, scenario, rng)
    return (machine.gain * scenario.gain * machine.noise * signal).astype(np.float32)


def acceleration(
    machine: Machine,
    label: str,
    rate_hz: float,
    turns: Signal,
    load: float,
    speed_hz: float,
    scenario: Scenario,
    rng: np.random.Generator,
) -> Signal:
    """How the housing moves while the shaft passes these `turns`, in multiples of machine.noise."""
    samples = len(turns)
    impacts = np.zeros(samples)
    strength = 0.6 + 0.4 * load
    if label != "normal":
        impacts += machine.severity[label] * strength * _fault(machine, label, turns, rng)
    if machine.looseness:
        impacts += machine.looseness * _repeated(turns, 1.0, 0.02, 0.35, rng)
    if machine.belt:
        impacts += machine.belt * _repeated(turns, machine.belt_order, 0.01, 0.3, rng)
    impacts += machine.knock * _knocks(machine.knocks_per_second, rate_hz, samples, rng)
    noise = _noise(machine, rate_hz, samples, rng) * scenario.noise
    signal = _ring(machine, impacts, rate_hz) + noise
    signal += strength * _harmonics(machine, turns, speed_hz * scenario.speed / 25.0, rng)
    signal += _electrical(machine, np.arange(samples) / rate_hz, rng)
    return signal


def shaft_turns(samples: int, rate_hz: float, speed_hz: float, rng: np.random.Generator) -> Signal:
    """Shaft angle in turns [samples]; the speed wanders slowly around its mean."""
    time = np.arange(samples) / rate_hz
    wander = np.zeros_like(time)
    for _ in range(3):
        rate, phase = rng.uniform(0.3, 3.0), rng.uniform(0, 2 * np.pi)
        wander += np.sin(2 * np.pi * rate * time + phase)
    step = time[1] - time[0]
    angle = np.cumsum(speed_hz * (1 + _SPEED_JITTER * wander)) * step + rng.uniform(0, 1)
    return np.asarray(angle)


def _strike(turns: Signal, at: Signal, amplitude: Signal) -> Signal:
    """Unit impulses of given amplitudes where the shaft angle passes `at`, between samples."""
    position = np.interp(at, turns, np.arange(len(turns)))
    left = np.minimum(position.astype(int), len(turns) - 2)
    part = position - left
    train = np.zeros(len(turns))
    np.add.at(train, left, amplitude * (1 - part))
    np.add.at(train, left + 1, amplitude * part)
    return train


def _moments(turns: Signal, order: float, jitter: float, rng: np.random.Generator) -> Signal:
    """Shaft angles of impacts, `order` per turn; intervals vary independently, so phase drifts."""
    count = int((turns[-1] - turns[0]) * order * 1.1) + 8
    gaps = (1 + jitter * rng.standard_normal(count)) / order
    at = turns[0] - rng.uniform(0, 1) / order + np.cumsum(gaps)
    return np.asarray(at[(at > turns[0]) & (at < turns[-1])])


def _fault(machine: Machine, label: str, turns: Signal, rng: np.random.Generator) -> Signal:
    order = machine.bearing.impacts_per_turn(label)
    at = _moments(turns, order, SLIP, rng)
    amplitude = 1 + 0.15 * rng.standard_normal(len(at))
    start = rng.uniform(0, 1)
    if label == "inner_race":
        amplitude *= _load_zone(at + start, machine.load_zone)
    elif label == "ball":
        # The ball passes the load zone at cage speed and strikes the races in turn, unequally.
        amplitude *= _load_zone(machine.bearing.cage * at + start, machine.load_zone)
        amplitude[1::2] *= rng.uniform(0.5, 1.0)
    # Severity is the RMS of the impacts, so that no class is louder than another by its load zone.
    return _strike(turns, at, amplitude / np.sqrt(np.mean(amplitude**2) + 1e-12))


def _load_zone(turns: Signal, extent: float) -> Signal:
    """Stribeck's load distribution (1 - (1 - cos) / 2e)^1.5 of ball bearings; 1 at its centre."""
    inside = 1 - (1 - np.cos(2 * np.pi * turns)) / (2 * extent)
    return np.asarray(np.maximum(inside, 0.0) ** 1.5)


def _repeated(
    turns: Signal, order: float, jitter: float, spread: float, rng: np.random.Generator
) -> Signal:
    at = _moments(turns, order, jitter, rng)
    return _strike(turns, at, np.maximum(1 + spread * rng.standard_normal(len(at)), 0.0))


def _knocks(per_second: float, rate_hz: float, samples: int, rng: np.random.Generator) -> Signal:
    train = np.zeros(samples)
    count = rng.poisson(per_second * samples / rate_hz)
    train[rng.integers(0, samples, count)] = rng.lognormal(0.0, 0.5, count)
    return train


def _ring(machine: Machine, impacts: Signal, rate_hz: float) -> Signal:
    """Convolve with the decaying resonances; one unit impulse peaks at about 1."""
    length = int(0.02 * rate_hz)
    time = np.arange(length) / rate_hz
    response = np.zeros(length)
    for mode in machine.modes:
        omega = 2 * np.pi * mode.frequency
        decay = np.exp(-mode.damping * omega * time)
        response += mode.weight * decay * np.sin(omega * np.sqrt(1 - mode.damping**2) * time)
    size = len(impacts) + length
    spectrum = np.fft.rfft(impacts, size) * np.fft.rfft(response / np.abs(response).max(), size)
    return np.fft.irfft(spectrum, size)[: len(impacts)]


def _noise(machine: Machine, rate_hz: float, samples: int, rng: np.random.Generator) -> Signal:
    """Broadband noise falling with frequency, plus noise through the resonances; RMS 1."""
    frequency = np.maximum(np.fft.rfftfreq(samples, 1 / rate_hz), 20.0)
    shape = (frequency / 1000.0) ** -(machine.noise_slope / 2)
    broad = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * shape, samples)
    ringing = _ring(machine, rng.standard_normal(samples), rate_hz)
    share = machine.structural_noise
    mixed = np.sqrt(1 - share) * broad / broad.std() + np.sqrt(share) * ringing / ringing.std()
    return np.asarray(mixed / mixed.std())


def _harmonics(machine: Machine, turns: Signal, speed: float, rng: np.random.Generator) -> Signal:
    """Imbalance (grows with speed squared), misalignment and, where there is one, a gear mesh."""
    signal = np.zeros(len(turns))
    for order, amplitude in enumerate(machine.harmonics, start=1):
        factor = speed**2 if order == 1 else 1.0
        signal += amplitude * factor * np.sin(2 * np.pi * (order * turns + rng.uniform()))
    if machine.gear:
        shaft = 1 + 0.3 * np.sin(2 * np.pi * (turns + rng.uniform()))
        for order in (1, 2):
            phase = order * machine.gear_teeth * turns + rng.uniform()
            signal += machine.gear / order * shaft * np.sin(2 * np.pi * phase)
    return signal


def _electrical(machine: Machine, time: Signal, rng: np.random.Generator) -> Signal:
    """Magnetic forces at twice the 50 Hz mains and its multiples."""
    signal = np.zeros(len(time))
    for order, amplitude in enumerate(machine.electrical, start=1):
        mains = rng.uniform(49.9, 50.1)
        signal += amplitude * np.sin(2 * np.pi * (2 * order * mains * time + rng.uniform()))
    return signal
