"""Physical units to int16 counts, as the sensor's converter would give them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def to_counts(
    signal: NDArray[np.floating], full_scale: Sequence[float] | NDArray[np.floating]
) -> NDArray[np.int16]:
    """Convert a signal to counts.

    Parameters
    ----------
    signal
        [C, N] in physical units.
    full_scale
        Per channel, the physical value at 32767.

    Returns
    -------
    int16 [N, C]; rounded half to even, saturating, NaN as 0.
    """
    scale = 32767.0 / np.asarray(full_scale, dtype=np.float64)
    counts = np.rint(np.asarray(signal, dtype=np.float64).T * scale)
    return np.clip(np.nan_to_num(counts), -32768, 32767).astype(np.int16)


def cut_windows(counts: NDArray[np.int16], window: int, hop: int) -> NDArray[np.int16]:
    """Windows [n, window, C] of counts [N, C], one every `hop` samples; a short tail is left."""
    if len(counts) < window:
        return np.empty((0, window, counts.shape[1]), dtype=np.int16)
    view = np.lib.stride_tricks.sliding_window_view(counts, window, axis=0)[::hop]
    return np.ascontiguousarray(view.transpose(0, 2, 1))
