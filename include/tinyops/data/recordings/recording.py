"""A recording: one contiguous capture of one device, the unit in which data arrives."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from tinyops.errors import TinyOpsError


class RecordingError(TinyOpsError):
    """The parts of a recording do not fit together."""


# Recordings compare by identity: comparing megabytes of samples by accident costs seconds.
@dataclass(frozen=True, eq=False)
class Recording:
    """One contiguous capture.

    Parameters
    ----------
    recording_id, machine_id, device_id, sensor
        Who and what; `machine_id` is the thing that is observed, `device_id` the board on it.
    recorded_at
        Time of the first sample, UTC.
    rate_hz
        Samples per second and channel.
    channels, unit
        Channel names in the order of `signal`; the signal's physical unit.
    signal
        float32 [channels, samples], physical units.
    label
        The class, or None where nobody has labelled it yet.
    conditions
        What is known of the circumstances (load, speed …).

    Raises
    ------
    RecordingError
        `signal` is not float32 [len(channels), N], or `recorded_at` has no time zone.
    """

    recording_id: str
    machine_id: str
    device_id: str
    sensor: str
    recorded_at: datetime
    rate_hz: float
    channels: tuple[str, ...]
    unit: str
    signal: npt.NDArray[np.float32]
    label: str | None = None
    conditions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.dtype != np.float32:
            raise RecordingError(
                f"recording {self.recording_id!r}: signal is {self.signal.dtype}"
                f"{list(self.signal.shape)}",
                "give float32 [channels, samples]",
            )
        if len(self.channels) != self.signal.shape[0]:
            raise RecordingError(
                f"recording {self.recording_id!r}: {len(self.channels)} channel names for "
                f"{self.signal.shape[0]} rows of signal",
                "name each channel once",
            )
        if self.recorded_at.tzinfo is None:
            raise RecordingError(
                f"recording {self.recording_id!r}: recorded_at has no time zone",
                "give a time in UTC",
            )
        object.__setattr__(self, "recorded_at", self.recorded_at.astimezone(UTC))

    @property
    def samples(self) -> int:
        """Samples per channel."""
        return int(self.signal.shape[1])

    @property
    def seconds(self) -> float:
        """Duration; 0 where the rate makes no sense."""
        return self.samples / self.rate_hz if self.rate_hz > 0 else 0.0

    def fingerprint(self) -> str:
        """SHA-256 of the samples alone (float32, little endian, channel by channel).

        Two recordings with one fingerprint are the same capture under two names.
        """
        return hashlib.sha256(np.ascontiguousarray(self.signal, dtype="<f4").data).hexdigest()
