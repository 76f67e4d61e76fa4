"""A device's own time, from the windows that it has counted, and its place beside UTC.

On a virtual board time runs faster than on the wall; what happened elsewhere (a release, a label)
is put between the frames that a gateway received before and after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tinyops.projects import Project
from tinyops.sketches.frames import FrameRecord


def window_seconds(project: Project) -> float:
    """Seconds of signal from one counted window to the next."""
    return project.monitoring.every * project.signal.hop / project.signal.rate_hz


@dataclass(frozen=True, eq=False)
class DeviceClock:
    """Seconds that one device has been counting, its epochs put end to end.

    Parameters
    ----------
    step
        Seconds from one counted window to the next.
    starts
        Seconds at which each epoch began.
    received, counted
        [n] ascending: Unix times in seconds at which frames came, and the device's own at their
        end.
    """

    step: float
    starts: dict[int, float]
    received: NDArray[np.float64]
    counted: NDArray[np.float64]

    @classmethod
    def of(cls, records: Iterable[FrameRecord], step: float) -> DeviceClock:
        """The clock of one device from its frames; time that was not counted does not pass."""
        starts: dict[int, float] = {}
        points: list[tuple[float, float]] = []
        end = 0.0
        for record in sorted(records, key=lambda each: (each.epoch, each.window)):
            start = starts.setdefault(record.epoch, end)
            end = start + (record.window + record.sketch().n) * step
            points.append((datetime.fromisoformat(record.received_at).timestamp(), end))
        # A frame that came late must not turn time back.
        received = np.maximum.accumulate([wall for wall, _ in points] or [0.0])
        return cls(step, starts, received, np.array([own for _, own in points] or [0.0]))

    def counted_at(self, epoch: int, windows: int) -> float:
        """Seconds when the device had counted so many windows of an epoch."""
        return self.starts.get(epoch, 0.0) + windows * self.step

    def beside(self, moment: str) -> float:
        """Seconds of the device at a moment, ISO 8601 with zone: from 0 to its last frame."""
        wall = datetime.fromisoformat(moment).timestamp()
        return float(np.interp(wall, self.received, self.counted, left=0.0))
