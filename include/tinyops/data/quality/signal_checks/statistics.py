"""All that the gate wants to know of one recording's samples, in one pass over them."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyops.data.quality.signal_checks.echo import echo
from tinyops.data.quality.signal_checks.gaps import flat_samples, gap_samples
from tinyops.data.quality.signal_checks.levels import channel_levels
from tinyops.data.quality.signal_checks.lines import line_scores
from tinyops.data.quality.signal_checks.plateau import plateau_share
from tinyops.data.quality.signal_checks.spectrum import centroid_hz
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project


def signal_statistics(recording: Recording, project: Project) -> dict[str, Any]:
    """Columns of the gate's table that come from the samples; those that need numbers in every
    sample, or the project's channels, are left out without them."""
    signal = recording.signal
    finite = np.isfinite(signal)
    found: dict[str, Any] = {
        "finite_share": float(finite.mean()) if signal.size else 0.0,
        "flat_windows": flat_samples(signal) / project.signal.window,
        "fingerprint": recording.fingerprint(),
    }
    if not signal.size or not finite.all():
        return found | {"minimum": math.nan, "maximum": math.nan}
    means, deviations = channel_levels(signal)
    found |= {
        "minimum": float(signal.min()),
        "maximum": float(signal.max()),
        # As the index keeps them: what was written and read again must be the same.
        "means": [float(np.float32(value)) for value in means],
        "deviations": [float(np.float32(value)) for value in deviations],
        "gap_windows": gap_samples(signal) / project.signal.window,
        "plateau_share": plateau_share(signal),
        "centroid_hz": float(np.float32(centroid_hz(signal, recording.rate_hz))),
        "echo": echo(signal),
        "line_scores": json.dumps(
            [round(one, 3) for one in line_scores(signal, recording.rate_hz, recording.conditions)]
        ),
    }
    return found | _shares(signal, means, deviations, project)


def _shares(
    signal: npt.NDArray[np.float32],
    means: npt.NDArray[np.float64],
    deviations: npt.NDArray[np.float64],
    project: Project,
) -> dict[str, float]:
    # Channels that are not the project's have no full scale: the check of names speaks for them.
    if signal.shape[0] != len(project.signal.full_scale):
        return {}
    scale = np.array(project.signal.full_scale)
    beyond = (np.abs(signal) >= scale[:, None].astype(np.float32)).mean(axis=1)
    return {
        "dc_share": float((np.abs(means) / scale).max()),
        "rms_share": float((np.hypot(means, deviations) / scale).max()),
        "clipped_share": float(beyond.max()),
        "quiet_share": float((deviations / scale).min()),
    }
