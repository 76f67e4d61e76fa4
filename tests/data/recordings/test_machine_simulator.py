"""The machine simulator: repeatable, labelled, and true to the kinematics of its bearing."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from tinyops.data.recordings.sources import generate, source_for
from tinyops.data.recordings.sources.bearing import Bearing
from tinyops.data.recordings.sources.machine import FAULTS, Scenario, draw_machine
from tinyops.data.recordings.sources.vibration import record
from tinyops.projects import load_project


def test_bearing_rates_of_the_6205() -> None:
    # Published multiples of shaft speed for the SKF 6205 (CWRU bearing data centre).
    bearing = Bearing(balls=9, ratio=7.94 / 39.04, contact_angle=0.0)
    assert bearing.outer_race == pytest.approx(3.5848, abs=0.002)
    assert bearing.inner_race == pytest.approx(5.4152, abs=0.002)
    assert bearing.cage == pytest.approx(0.39828, abs=0.0005)
    assert bearing.ball == pytest.approx(4.7135, abs=0.005)


def test_same_seed_same_samples_other_seed_others() -> None:
    project = load_project("motor_health")
    first = next(generate(project, 3, machines=1, seconds=0.5))
    again = next(generate(project, 3, machines=1, seconds=0.5))
    other = next(generate(project, 4, machines=1, seconds=0.5))
    assert first.fingerprint() == again.fingerprint()
    assert first.fingerprint() != other.fingerprint()


def test_every_machine_has_every_class_and_says_simulated() -> None:
    project = load_project("motor_health")
    seen: dict[str, set[str | None]] = {}
    for recording in generate(project, 1, machines=2, seconds=0.25):
        seen.setdefault(recording.machine_id, set()).add(recording.label)
        assert recording.sensor == project.sensor
        assert recording.conditions["simulated"] == "true"
        assert "simulated" in recording.device_id
        assert np.isfinite(recording.signal).all()
    assert len(seen) == 2
    assert all(labels == set(project.labels) for labels in seen.values())


def test_batches_replay_and_changed_recordings_share_no_machine() -> None:
    source = source_for(load_project("motor_health"))
    groups = [
        {recording.machine_id for recording in islice(stream, 8)}
        for stream in (
            source.recordings(1, "small", batch=0),
            source.recordings(1, "small", batch=1),
            source.changed_recordings(1),
            source.replay(1),
        )
    ]
    assert [len(group) for group in groups] == [2, 2, 2, 8]
    assert len(set.union(*groups)) == 14


def test_the_replay_shows_another_motor_every_window_and_every_state() -> None:
    project = load_project("motor_health")
    seen = list(islice(source_for(project).replay(2), 40))
    assert len({recording.machine_id for recording in seen}) == 40
    assert {recording.label for recording in seen} == set(project.labels)
    assert {recording.signal.shape for recording in seen} == {(1, project.signal.window)}
    again = islice(source_for(project).replay(2), 40)
    assert [r.fingerprint() for r in again] == [r.fingerprint() for r in seen]


def test_in_the_changed_world_the_same_motors_turn_slower_and_carry_more() -> None:
    project = load_project("motor_health")
    source = source_for(project)
    before, after = (list(islice(source.replay(2, changed), 40)) for changed in (False, True))
    assert [r.label for r in before] == [r.label for r in after]
    speeds = [
        np.array([float(r.conditions["speed_rpm"]) for r in each]) for each in (before, after)
    ]
    assert speeds[1] / speeds[0] == pytest.approx(0.6, abs=0.02)
    assert min(float(r.conditions["load"]) for r in after) >= 0.6
    assert min(float(r.conditions["load"]) for r in before) < 0.2
    brought = list(source.changed_recordings(2))
    assert len(brought) == 30 * 4
    assert len({r.recording_id for r in brought}) == 120
    assert {r.seconds for r in brought} == {2.0}
    assert min(float(r.conditions["load"]) for r in brought) >= 0.6


def test_batches_are_what_they_were_before_the_world_could_change() -> None:
    batch = source_for(load_project("motor_health")).recordings(1, "small", batch=1)
    last = list(islice(batch, 8))[-1]
    assert last.recording_id == "sim1_m0061_ball"
    assert (last.conditions["speed_rpm"], last.conditions["load"]) == ("1708", "0.29")
    expected = [0.80290461, -1.00127327, -0.03920250, 1.73529232]
    assert last.signal[0, [0, 1000, 20000, -1]] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("stream", "last", "expected"),
    [
        ("recordings", "sim5_m0000_ball", [0.45615879, -1.09067380, 6.69965553, 0.28012067]),
        (
            "changed_recordings",
            "sim5_c0000_ball",
            [-0.56214291, -1.35422027, 0.56952047, -2.62363076],
        ),
        ("replay", "sim5_r0003_inner_race", [1.72742069, -1.55669284, 3.31371331, -2.76173353]),
    ],
)
def test_a_piezo_feels_what_it_felt_before_motors_could_be_heard(
    stream: str, last: str, expected: list[float]
) -> None:
    # Not a hash: the last bits are the processor's (NumPy has a sine for each).
    recording = list(islice(getattr(source_for(load_project("motor_health")), stream)(5), 4))[-1]
    assert recording.recording_id == last
    assert recording.signal[0, [0, 1000, 5000, -1]] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("fault", FAULTS)
def test_envelope_shows_the_fault_rate(fault: str) -> None:
    """The squared envelope around the first resonance peaks at the kinematic rate."""
    rate, samples = 20000.0, 80000
    found = 0
    for number in range(6):
        rng = np.random.default_rng([5, number])
        machine = draw_machine("m", rng)
        wave = record(machine, fault, rate, samples, 1.0, 25.0, Scenario(), rng)
        expected = 25.0 * machine.bearing.impacts_per_turn(fault)
        spectrum = np.fft.fft(wave)
        frequency = np.fft.fftfreq(samples, 1 / rate)
        band = np.abs(frequency - machine.modes[0].frequency) < 600
        envelope = np.abs(np.fft.ifft(np.where(band, spectrum, 0))) ** 2
        power = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(samples))) ** 2
        axis = np.fft.rfftfreq(samples, 1 / rate)
        near = np.abs(axis - expected) < 1.5
        around = (np.abs(axis - expected) < 60) & ~near
        found += power[near].max() > 20 * np.median(power[around])
    assert found >= 5
