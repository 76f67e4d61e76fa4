"""From time stamps to a sampling rate: what they say, not what somebody remembers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tinyops.data.recordings.importers.capture import ImportRefused

JITTER = 0.25
"""Of the interval: stamps within it are a steady clock's, read late. Beyond it a sample is missing,
or the clock is none: then only a method that knows the times may make a steady signal of it."""


def steady_rate(times: npt.NDArray[np.float64], what: str) -> tuple[float, bool]:
    """Samples per second of increasing times [samples] in seconds, and whether they are steady.

    The rate is that of the whole span, which the jitter of single stamps does not touch.

    Raises
    ------
    ImportRefused
        Fewer than two times, or times that do not increase: names the first that does not.
    """
    if times.size < 2:
        raise ImportRefused(f"{what} has {times.size} rows", "a capture has at least two samples")
    if not np.isfinite(times).all():
        raise ImportRefused(
            f"{what}: row {int(np.argmin(np.isfinite(times)))} has no time", "remove the row"
        )
    steps = np.diff(times)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        raise ImportRefused(
            f"{what}: time goes back or stands still at row {row} ({times[row]:g} s after "
            f"{times[row - 1]:g} s)",
            "sort the rows by time and remove those that are there twice",
        )
    interval = (times[-1] - times[0]) / (times.size - 1)
    even = times[0] + interval * np.arange(times.size)
    return 1.0 / float(interval), bool((np.abs(times - even) <= JITTER * interval).all())
