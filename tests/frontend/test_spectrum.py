"""The spectrum frontend against a float64 reference, and the same bytes at any optimisation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyops.frontend import Frontend, FrontendError, from_project
from tinyops.projects import Signal
from tinyops.projects.frontend_section import FrontendSection

CARRIERS, BINS, WINDOW = 8, 64, 2048


def make(channels: int = 1, window: int = WINDOW, bins: int = BINS) -> Frontend:
    signal = Signal(
        channels=[f"c{i}" for i in range(channels)],
        unit="m/s^2",
        rate_hz=20000,
        window=window,
        hop=window,
        full_scale=[1.0] * channels,
    )
    return from_project(FrontendSection(kind="spectrum", carriers=CARRIERS, bins=bins), signal)


def reference(window: NDArray[np.int16]) -> NDArray[np.float64]:
    """[BINS, CARRIERS + 2] unrounded and unclipped, by numpy in float64."""
    half, band = WINDOW // 2, WINDOW // 2 // CARRIERS
    signal = window.astype(float) - window.mean()
    spectrum = np.fft.fft(signal)[:half]
    spectrum[0] = 0
    maps = np.empty((BINS, CARRIERS + 2))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(band) / band)
    for carrier in range(CARRIERS):
        envelope = np.abs(np.fft.fft(spectrum[carrier * band : (carrier + 1) * band])) ** 2
        level = np.log2(envelope + envelope.mean() / 4)
        power = np.abs(np.fft.fft((level - level.mean()) * hann)[:BINS]) ** 2
        maps[:, carrier] = 16 * np.log2(power / band) - 32
    before = np.concatenate([spectrum[1:2], spectrum[:-1]])
    after = np.concatenate([spectrum[1:], spectrum[-2:-1]])
    power = np.abs(spectrum / 2 - (before + after) / 4) ** 2
    shape = power.reshape(BINS, -1).sum(axis=1)
    maps[:, CARRIERS] = 8 * np.log2(power[:BINS] / power[:BINS].mean()) + 32
    maps[:, CARRIERS + 1] = 8 * np.log2(shape / shape.mean()) + 32
    return maps


def signals() -> NDArray[np.int16]:
    rng = np.random.default_rng(0)
    time = np.arange(WINDOW) / 20000
    noise = rng.standard_normal((6, WINDOW))
    tone = np.sin(2 * np.pi * 3000 * time) * (1 + 0.8 * np.sin(2 * np.pi * 90 * time))
    levels = np.array([3, 300, 3000, 8000, 20000, 100])[:, None]
    mixed = np.where(np.arange(6)[:, None] % 2, noise, noise * 0.3 + tone)
    return np.clip(np.rint(mixed * levels + 50), -32768, 32767).astype(np.int16)[..., None]


def test_agrees_with_float64() -> None:
    windows = signals()
    features = make().run(windows)[:, :, 0, :].astype(float)
    wanted = np.stack([reference(window[:, 0]) for window in windows])
    error = np.abs(features - np.clip(wanted, -128, 127))
    # Half a step of rounding, and what the logarithms' table of 128 mantissas adds: a part of the
    # envelope's, which shows most where the spectrum is near zero.
    assert np.quantile(error, 0.99) < 0.8
    assert error.mean() < 0.3
    assert error.max() < 6


def test_same_bytes_at_every_optimisation() -> None:
    frontend, windows = make(), signals()
    wanted = frontend.run(windows)
    for level in ("-O0", "-O3"):
        assert np.array_equal(frontend.host_build(level).run(windows), wanted)


def test_gain_and_offset_do_not_matter() -> None:
    quiet = np.rint(signals()[2:3] / 4.0)
    loud = (quiet * 2 - 77).astype(np.int16)
    frontend = make()
    difference = frontend.run(loud).astype(int) - frontend.run(quiet.astype(np.int16))
    assert np.abs(difference).max() <= 2
    assert np.mean(difference == 0) > 0.98


def test_modulation_shows_in_its_carrier_and_bin() -> None:
    time = np.arange(WINDOW) / 20000
    carrier, modulation = 3125 + 700, 8 * 20000 / WINDOW
    wave = np.sin(2 * np.pi * carrier * time) * (1 + np.cos(2 * np.pi * modulation * time))
    noise = np.random.default_rng(1).standard_normal(WINDOW) * 0.5
    window = np.rint(5000 * (wave + noise)).astype(np.int16)[None, :, None]
    maps = make().run(window)[0, :, 0, :CARRIERS]
    assert np.unravel_index(maps.argmax(), maps.shape) == (8, carrier // 1250)


def test_silence_and_full_scale_are_defined() -> None:
    square = np.where(np.arange(WINDOW) % 16 < 8, 32767, -32768).astype(np.int16)
    windows = np.stack([np.zeros(WINDOW, np.int16), np.full(WINDOW, -32768, np.int16), square])
    features = make().run(windows[..., None])
    assert (features[:2] == -128).all()
    assert features[2].max() > 0


def test_channels_are_independent() -> None:
    windows = signals()
    both = np.concatenate([windows[1:2], windows[2:3]], axis=2)
    maps = make(channels=2).run(both)
    columns = CARRIERS + 2
    assert np.array_equal(maps[..., :columns], make().run(windows[1:2]))
    assert np.array_equal(maps[..., columns:], make().run(windows[2:3]))


def test_window_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(FrontendError, match="power of two"):
        make(window=2000)
    with pytest.raises(FrontendError, match="at most 64"):
        make(bins=128)
