"""The frames of one device that are judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tinyops.sketches.frames import FrameRecord
from tinyops.sketches.sketch import Counts


@dataclass(frozen=True)
class FrameSet:
    """The newest frames of a device that followed one another: one epoch, one release.

    Parameters
    ----------
    records
        At least one, at most as many as are judged together, in order.
    """

    records: tuple[FrameRecord, ...]

    @property
    def newest(self) -> FrameRecord:
        """The last frame."""
        return self.records[-1]

    @property
    def received(self) -> datetime:
        """When the last of them came."""
        return max(datetime.fromisoformat(record.received_at) for record in self.records)

    @property
    def first_window(self) -> int:
        """Index of the first counted window."""
        return self.records[0].window

    @property
    def last_window(self) -> int:
        """Index of the last counted window."""
        return self.newest.window + self.newest.sketch().n - 1

    def counts(self) -> Counts:
        """The sums of all frames."""
        sketches = [record.sketch() for record in self.records]
        return Counts(
            n=sum(sketch.n for sketch in sketches),
            histograms=np.sum([sketch.histograms for sketch in sketches], axis=0),
            out_of_range=np.sum([sketch.out_of_range for sketch in sketches], axis=0),
            confidence=np.sum([sketch.confidence for sketch in sketches], axis=0),
            classes=np.sum([sketch.classes for sketch in sketches], axis=0),
        )


def sets_since(
    records: Sequence[FrameRecord], most: int, judged: Mapping[str, int] | None
) -> list[FrameSet]:
    """The sets that end after the last judged window of the running epoch; at least the newest.

    Parameters
    ----------
    judged
        `epoch` and `last_window` of the frames that were judged before; None: nothing was.
    """
    newest = records[-1]
    after = judged["last_window"] if judged and judged["epoch"] == newest.epoch else -1
    ends = [
        index + 1
        for index, record in enumerate(records[:-1])
        if (record.epoch, record.reference_tag) == (newest.epoch, newest.reference_tag)
        and record.window > after
    ]
    return [newest_set(records[:end], most) for end in [*ends, len(records)]]


def newest_set(records: Sequence[FrameRecord], most: int) -> FrameSet:
    """The last of a device's frames, with those of up to `most` that lead to it without a gap.

    Parameters
    ----------
    records
        Accepted frames of one device, at least one, in order of epoch and window.
    """
    chosen = [records[-1]]
    for record in reversed(records[:-1]):
        after = chosen[-1]
        follows = record.epoch == after.epoch and record.reference_tag == after.reference_tag
        if len(chosen) == most or not follows:
            break
        if record.window + record.sketch().n != after.window:
            break
        chosen.append(record)
    return FrameSet(tuple(reversed(chosen)))
