"""The identity frontend and the path from physical units to windows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinyops.frontend import Frontend, FrontendError, FrontendSpec, cut_windows, to_counts


def test_identity_saturates() -> None:
    frontend = Frontend(FrontendSpec.identity((2, 3, 1)))
    windows = np.array([[-32768, -129, -128, 127, 128, 32767]], dtype=np.int16)[..., None]
    expected = np.array([-128, -128, -128, 127, 127, 127], dtype=np.int8)
    assert np.array_equal(frontend.run(windows).ravel(), expected)
    assert frontend.run(windows).shape == (1, 2, 3, 1)


def test_generated_sources_compile_alone(tmp_path: Path) -> None:
    frontend = Frontend(FrontendSpec.identity((4,)))
    for source in frontend.generate(tmp_path):
        command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{tmp_path}"]
        includes = [f"-I{folder}" for folder in frontend.include_dirs]
        out = tmp_path / (source.stem + ".o")
        subprocess.run([*command, *includes, "-c", str(source), "-o", str(out)], check=True)


def test_wrong_windows_are_refused() -> None:
    frontend = Frontend(FrontendSpec.identity((4,)))
    with pytest.raises(FrontendError, match="int16"):
        frontend.run(np.zeros((1, 4, 1), dtype=np.int32))  # type: ignore[arg-type]
    with pytest.raises(FrontendError, match=r"\(n, 4, 1\)"):
        frontend.run(np.zeros((1, 5, 1), dtype=np.int16))


def test_spec_survives_json() -> None:
    spec = FrontendSpec.identity((49, 10, 1), 0.5, 83)
    assert FrontendSpec.from_dict(spec.to_dict()) == spec


def test_counts_round_half_to_even_and_saturate() -> None:
    full_scale = [32767.0, 1.0]
    signal = np.array([[0.5, 1.5, -2.5, 40000.0], [1.0, -2.0, np.nan, 0.0]])
    expected = [[0, 32767], [2, -32768], [-2, 0], [32767, 0]]
    assert to_counts(signal, full_scale).tolist() == expected


def test_windows_cover_what_fits() -> None:
    counts = np.arange(22, dtype=np.int16).reshape(11, 2)
    windows = cut_windows(counts, 4, 3)
    assert windows.shape == (3, 4, 2)
    assert np.array_equal(windows[1], counts[3:7])
    assert cut_windows(counts[:3], 4, 3).shape == (0, 4, 2)
