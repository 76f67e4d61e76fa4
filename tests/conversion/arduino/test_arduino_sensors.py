"""The sensors of exported sketches against drivers that give known values (arduino_shim)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.conversion.arduino_sensor_world import sensor_of
from tests.support.conversion.arduino_world import project

NANO, EDGE, EYE = "nano33ble-sense", "sparkfun-edge2", "esp-eye"

SENSORS: list[tuple[str, str, dict, Callable[[np.ndarray], np.ndarray]]] = [
    (NANO, "microphone", {}, lambda given: given),
    (
        NANO,
        "adc-piezo",
        {"rate_hz": 20000},
        lambda given: np.clip((given.astype(int) - 2048) * 16, -32768, 32767),
    ),
    (
        EDGE,
        "adc-piezo",
        {"rate_hz": 20000},
        lambda given: ((given.astype(int) - 2048) * 16).astype(np.int16),
    ),
    (EYE, "microphone", {}, lambda given: given),
]


@pytest.mark.parametrize(("board", "sensor", "signal", "counts"), SENSORS)
def test_a_port_delivers_what_its_sensor_gives(
    board: str, sensor: str, signal: dict, counts: Callable, tmp_path: Path
) -> None:
    scope = project(sensor, **signal)
    given = np.random.default_rng(2).integers(0, 4096, 3 * 64).astype(np.int16)
    blocks, faults = sensor_of(board, scope, given, frames=64, blocks=3, folder=tmp_path)
    assert (len(blocks), faults) == (3, 0)
    np.testing.assert_array_equal(np.concatenate(blocks).ravel(), counts(given))


def test_a_core_that_is_too_slow_for_the_rate_gives_no_block(tmp_path: Path) -> None:
    scope = project("adc-piezo", rate_hz=20000)
    given = np.zeros(64 * 300, np.int16)
    blocks, faults = sensor_of(EDGE, scope, given, 64, blocks=1, folder=tmp_path, analog_us=60)
    assert blocks == []
    assert faults >= 100


def test_a_sensor_of_another_rate_is_interpolated(tmp_path: Path) -> None:
    scope = project("microphone")
    time = np.arange(4096) / 15625
    tone = (8000 * np.sin(2 * np.pi * 500 * time)).astype(np.int16)
    ((block,), _) = sensor_of(EDGE, scope, tone, frames=256, blocks=1, folder=tmp_path)
    wanted = 8000 * np.sin(2 * np.pi * 500 * np.arange(256) / 16000)
    # Linear interpolation of 500 Hz: within (pi f / rate)^2 / 2 of the amplitude, and rounding.
    assert np.abs(block.ravel() - wanted).max() < 8000 * (np.pi * 500 / 15625) ** 2 / 2 + 2
    assert not np.array_equal(block.ravel(), tone[:256])


def test_the_imu_is_read_in_the_projects_units(tmp_path: Path) -> None:
    full_scale = [8.0, 8.0, 8.0, 34.9, 34.9, 34.9]
    channels = ["ax", "ay", "az", "wx", "wy", "wz"]
    unit = "g,g,g,rad/s,rad/s,rad/s"
    scope = project(
        "imu", channels=channels, unit=unit, full_scale=full_scale, rate_hz=119, window=64
    )
    given = np.random.default_rng(2).integers(-30000, 30000, (40, 6)).astype(np.int16)
    ((block,), _) = sensor_of(NANO, scope, given, frames=32, blocks=1, folder=tmp_path)
    physical = given * (np.array([4.0] * 3 + [np.radians(2000)] * 3) / 32768)
    wanted = physical / full_scale * 32767
    np.testing.assert_allclose(block, wanted[:32], atol=1.01)


def test_a_block_has_no_gap_when_the_ring_runs_over(tmp_path: Path) -> None:
    scope = project("microphone")
    given = np.arange(20000).astype(np.int16)
    blocks, _ = sensor_of(NANO, scope, given, frames=256, blocks=2, folder=tmp_path, missed=30)
    first, second = (block.ravel() for block in blocks)
    assert np.all(np.diff(first) == 1)
    assert np.all(np.diff(second) == 1)
    assert second[0] > first[-1] + 1, "nothing was lost: the test shows nothing"
