"""A small picture of one recording: a lane for each channel, in physical units over seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinyops.data.recordings.recording import Recording
from tinyops.printable import printable

_COLUMNS = 1200


def draw_signal(recording: Recording, path: Path) -> Path:
    """Write a PNG. Of a long recording, each column of the picture is its lowest to highest value.

    Returns `path`.
    """
    from matplotlib.figure import Figure

    lanes = len(recording.channels)
    figure = Figure(figsize=(8, 1.2 + 1.3 * lanes), layout="constrained")
    axes = figure.subplots(lanes, 1, sharex=True, squeeze=False)[:, 0]
    count = max(1, min(_COLUMNS, recording.samples))
    edges = np.linspace(0, recording.samples, count + 1).astype(int)[:-1]
    seconds = edges / recording.rate_hz
    for axis, name, samples in zip(axes, recording.channels, recording.signal, strict=True):
        low = np.minimum.reduceat(samples, edges)
        high = np.maximum.reduceat(samples, edges)
        if recording.samples > count:
            axis.fill_between(seconds, low, high, linewidth=0.4, edgecolor="C0")
        else:
            axis.plot(seconds, samples, linewidth=0.8)
        axis.set_ylabel(f"{printable(name)}\n{printable(recording.unit)}", parse_math=False)
        axis.margins(x=0)
    axes[-1].set_xlabel("seconds")
    simulated = " (simulated)" if recording.conditions.get("simulated") == "true" else ""
    title = (
        f"{recording.recording_id}: {recording.label or 'no label'}, machine "
        f"{recording.machine_id}{simulated}"
    )
    axes[0].set_title(printable(title), fontsize="medium", parse_math=False)
    figure.savefig(path, format="png", dpi=100)
    return path
