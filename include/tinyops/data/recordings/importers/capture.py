"""What a foreign file says of one capture, before anything is added to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from tinyops.errors import TinyOpsError

LIMIT_BYTES = 1 << 30
"""Of a file, and of what it unpacks to: one capture is in memory at a time, as float32."""


class ImportRefused(TinyOpsError):
    """A file cannot become a recording; names the file and what is missing or wrong in it."""


@dataclass(frozen=True, eq=False)
class Capture:
    """Samples as the file has them.

    Parameters
    ----------
    samples
        float64 [channels, samples], in the file's own unit; WAV's integers as -1 to 1.
    channels
        Names in the order of `samples`; empty where the file has none.
    rate_hz, unit, device, recorded_at
        None where the file does not say.
    steady
        Whether the samples are evenly spaced; if not, `times` has seconds since the first one.
    name
        Of the capture within its file, where one holds several.
    places
        What this capture has for places in the description's texts: `{rpm}`.
    samples_before
        Of the captures before it in its file, where the file does not say when each was made.
    """

    samples: npt.NDArray[np.float64]
    channels: tuple[str, ...] = ()
    rate_hz: float | None = None
    unit: str | None = None
    device: str | None = None
    recorded_at: datetime | None = None
    times: npt.NDArray[np.float64] | None = None
    name: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    samples_before: int | None = None

    @property
    def steady(self) -> bool:
        """Whether the samples are evenly spaced."""
        return self.times is None


def numbers(values: object, what: str) -> npt.NDArray[np.float64]:
    """Values as float64; ImportRefused where they are no real numbers or too many."""
    array = np.asarray(values)
    if array.dtype.kind not in "iufb" or array.dtype.itemsize > 8:
        raise ImportRefused(f"{what} holds {array.dtype}, no real numbers", "name another array")
    if array.size * 8 > LIMIT_BYTES:
        raise ImportRefused(
            f"{what} has {array.size:,} samples, more than {LIMIT_BYTES // 8:,}",
            "cut it into several files",
        )
    return array.astype(np.float64)
