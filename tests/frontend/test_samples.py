"""The samples frontend: averaged, scaled, saturated."""

from __future__ import annotations

import numpy as np
import pytest

from tinyops.frontend import FrontendError, from_project, to_counts
from tinyops.projects import Signal
from tinyops.projects.frontend_section import FrontendSection

SIGNAL = Signal(
    channels=["a", "w"], unit="g,rad/s", rate_hz=50, window=64, hop=32, full_scale=[8.0, 34.9]
)


def test_range_maps_to_127_and_saturates() -> None:
    frontend = from_project(FrontendSection(kind="samples", range=[2.0, 10.0]), SIGNAL)
    signal = np.zeros((2, 64))
    signal[0, :4] = [2.0, -2.0, 1.0, 7.9]
    signal[1, :4] = [10.0, -10.0, 4.96, -30.0]
    features = frontend.run(to_counts(signal, SIGNAL.full_scale)[None])
    assert features.shape == (1, 64, 1, 2)
    assert features[0, :4, 0, 0].tolist() == [127, -127, 64, 127]
    assert features[0, :4, 0, 1].tolist() == [127, -127, 63, -128]


def test_decimation_is_a_mean() -> None:
    frontend = from_project(FrontendSection(kind="samples", decimate=4), SIGNAL)
    windows = np.random.default_rng(0).integers(-32768, 32768, (5, 64, 2)).astype(np.int16)
    wanted = windows.reshape(5, 16, 4, 2).mean(axis=2) * 127 / 32767
    features = frontend.run(windows)[:, :, 0, :]
    assert np.abs(features - wanted).max() < 0.502
    assert np.array_equal(frontend.host_build("-O0").run(windows)[:, :, 0, :], features)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(FrontendError, match="decimate"):
        from_project(FrontendSection(kind="samples", decimate=5), SIGNAL)
    with pytest.raises(FrontendError, match="range"):
        from_project(FrontendSection(kind="samples", range=[1.0]), SIGNAL)
