"""The simulated motors as a microphone hears them: levels, radiation, and the fault's own rate."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyops.data.recordings.sources import generate, source_for
from tinyops.data.recordings.sources.machine import FAULTS, Machine, Scenario, draw_machine
from tinyops.data.recordings.sources.machine_simulator import SimulatorError
from tinyops.data.recordings.sources.sound import hear
from tinyops.data.recordings.sources.surroundings import (
    REFERENCE_PA,
    Surroundings,
    draw_surroundings,
    pascal,
)
from tinyops.projects import Project, load_project

RATE, SAMPLES = 16000.0, 16000
FREQUENCY = np.fft.rfftfreq(SAMPLES, 1 / RATE)
FAR = 1e9  # metres: the motor is silent


@pytest.fixture
def project() -> Project:
    return load_project("motor_sound")


def draw(number: int) -> tuple[Machine, Surroundings]:
    rng = np.random.default_rng([5, number])
    return draw_machine("m", rng), draw_surroundings(rng)


def heard(
    machine: Machine, around: Surroundings, label: str = "normal", scenario: Scenario | None = None
) -> NDArray[np.float64]:
    """One second at 25 turns a second, always from the same seed."""
    rng = np.random.default_rng(1)
    wave = hear(machine, around, label, RATE, SAMPLES, 0.5, 25.0, scenario or Scenario(), rng)
    return wave.astype(float)


def power(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square of a wave [N] in each bin of its spectrum."""
    return 2 * np.abs(np.fft.rfft(wave)) ** 2 / len(wave) ** 2


def a_weighting(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """The A curve of IEC 61672-1:2013, annex E, as a factor on pressure; 1 at 1 kHz."""
    square = frequency**2
    curve = 12194.2**2 * square**2 / ((square + 20.6**2) * (square + 12194.2**2))
    curve /= np.sqrt((square + 107.7**2) * (square + 737.9**2))
    return np.asarray(curve * 10 ** (2.0 / 20))


def test_levels_are_those_of_small_motors_in_a_workshop(project: Project) -> None:
    levels = []
    for recording in generate(project, 1, machines=20, seconds=0.5, labels=["normal"]):
        wave = recording.signal[0].astype(float)
        curve = a_weighting(np.fft.rfftfreq(len(wave), 1 / recording.rate_hz))
        pressure = np.sqrt((power(wave) * curve**2).sum())
        levels.append(20 * np.log10(pressure / REFERENCE_PA))
    assert recording.unit == "Pa"
    assert min(levels) > 50
    assert max(levels) < 95
    assert 62 < np.median(levels) < 80


def test_full_scale_leaves_head_room(project: Project) -> None:
    peaks = [
        np.abs(recording.signal).max()
        for recording in generate(project, 2, machines=15, seconds=0.5)
    ]
    full_scale = project.signal.full_scale[0]
    assert max(peaks) < full_scale
    assert np.median(peaks) > full_scale / 200  # some hundred counts


def test_same_seed_same_sound_other_seed_another(project: Project) -> None:
    first, again, other = (
        next(generate(project, seed, machines=1, seconds=0.5)) for seed in (3, 3, 4)
    )
    assert first.fingerprint() == again.fingerprint()
    assert first.fingerprint() != other.fingerprint()


def test_the_replay_gives_one_window_of_every_motor(project: Project) -> None:
    seen = list(islice(source_for(project).replay(2), 8))
    assert {recording.signal.shape for recording in seen} == {(1, project.signal.window)}
    assert len({recording.machine_id for recording in seen}) == 8
    assert all(np.isfinite(recording.signal).all() for recording in seen)


def test_at_twice_the_distance_the_motor_has_half_the_pressure() -> None:
    machine, around = draw(0)
    near = replace(around, hall=0.0, fan=0.0)
    far = replace(near, distance=2 * near.distance)
    assert heard(machine, far) == pytest.approx(heard(machine, near) / 2, rel=1e-3, abs=1e-6)


def test_a_casing_that_resonates_is_louder_there_and_nowhere_else() -> None:
    machine, around = draw(1)
    mode = replace(around.casing[0], frequency=700.0, damping=0.06, weight=3.0)
    stiff = replace(around, hall=0.0, fan=0.0, casing=())
    with_mode, without = (
        power(heard(machine, each)) for each in (replace(stiff, casing=(mode,)), stiff)
    )
    at, beyond = np.abs(FREQUENCY - 700) < 10, (FREQUENCY > 4000) & (FREQUENCY < 7500)
    assert with_mode[at].sum() / without[at].sum() == pytest.approx(16, rel=0.1)
    assert with_mode[beyond].sum() / without[beyond].sum() == pytest.approx(1, abs=0.05)


def test_without_a_motor_there_is_the_hall_pink_and_at_its_level() -> None:
    machine, around = draw(2)
    hall = replace(around, distance=FAR, fan=0.0, hall=pascal(60), sensitivity=1.0)
    levels = []
    for number in range(8):
        rng = np.random.default_rng(number)
        wave = hear(machine, hall, "normal", RATE, SAMPLES, 0.5, 25.0, Scenario(), rng)
        spectrum = power(wave.astype(float))
        octaves = [
            spectrum[(centre / 2**0.5 <= FREQUENCY) & (centre * 2**0.5 > FREQUENCY)].sum()
            for centre in (250, 500, 1000, 2000, 4000)
        ]
        assert max(octaves) / min(octaves) < 10 ** (2 / 10)
        levels.append(10 * np.log10(spectrum.sum() / REFERENCE_PA**2))
    assert np.mean(levels) == pytest.approx(60, abs=4)
    assert np.std(levels) > 1  # the hall is not the same from recording to recording


def test_the_fan_sings_at_its_blades_and_with_the_shaft() -> None:
    machine, around = draw(3)
    fan = replace(around, distance=FAR, hall=0.0, fan=pascal(60), fan_blades=7)
    for speed in (1.0, 0.6):
        spectrum = power(heard(machine, fan, scenario=Scenario(speed=speed)))
        assert FREQUENCY[spectrum.argmax()] == pytest.approx(7 * 25 * speed, rel=0.02)
    loud, slow = (heard(machine, fan, scenario=Scenario(speed=s)).std() for s in (1.0, 0.6))
    assert slow < loud / 3


def test_the_changed_world_scales_hall_and_gain() -> None:
    machine, around = draw(4)
    hall = replace(around, distance=FAR, fan=0.0)
    plain, noisy = (heard(machine, hall, scenario=Scenario(noise=n)) for n in (1.0, 2.0))
    assert noisy == pytest.approx(2 * plain, rel=1e-3, abs=1e-6)
    plain, louder = (heard(machine, around, scenario=Scenario(gain=g)) for g in (1.0, 3.0))
    assert louder == pytest.approx(3 * plain, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_rate_is_in_the_envelope_of_the_sound(fault: str) -> None:
    found, healthy = 0, 0
    for number in range(8):
        machine, around = draw(number)
        machine = replace(machine, severity={fault: 15.0}, looseness=0.0, belt=0.0)
        expected = 25.0 * machine.bearing.impacts_per_turn(fault)
        centre = machine.modes[0].frequency
        found += _stands_out(heard(machine, around, fault), centre, expected)
        healthy += _stands_out(heard(machine, around), centre, expected)
    assert found >= 6
    assert healthy <= 1


def _stands_out(wave: NDArray[np.float64], centre: float, rate: float) -> bool:
    """Whether the squared envelope around `centre` has a line within 3 Hz of `rate`."""
    frequency = np.fft.fftfreq(len(wave), 1 / RATE)
    band = np.abs(frequency - centre) < 600
    envelope = np.abs(np.fft.ifft(np.where(band, np.fft.fft(wave), 0))) ** 2
    lines = power((envelope - envelope.mean()) * np.hanning(len(wave)))
    near = np.abs(FREQUENCY - rate) < 3
    around = (np.abs(FREQUENCY - rate) < 60) & ~near
    return bool(lines[near].max() > 20 * np.median(lines[around]))


def test_an_unknown_pickup_is_refused_by_name(project: Project) -> None:
    source = project.source.model_copy(update={"options": {"pickup": "ear"}})
    wrong = project.model_copy(update={"source": source})
    with pytest.raises(SimulatorError, match=r"source\.options\.pickup: no pickup 'ear'") as caught:
        next(source_for(wrong).recordings(1))
    assert caught.value.fix == "use one of: microphone, piezo"
