"""Stretches of time as groups: a recording is in a part only if all the time around it is.

The stretches are counted from 1970 on and a part is a function of the stretch alone, so a recording
never moves when others come. Widened by half the gap on both sides, a recording touches one stretch
or several; where these are in several parts it is in none (`GAP`). So recordings of two parts are
at least a whole gap apart.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from tinyops.projects.split_section import SplitTime, midnight

GAP = "gap"
"""The group, and the part, of recordings that are too near to a border between two parts."""

_MOST = 10_000
_NAME = "%Y-%m-%dT%H:%M:%SZ"


def stretches(time: SplitTime, start: datetime, seconds: float) -> list[str]:
    """Names of the stretches that a recording touches with half the gap around it, in order.

    Empty for a recording that
    touches more than ten thousand, or that lies beyond the calendar.
    """
    half = time.gap_minutes * 30
    size = time.bucket_seconds
    at = start.timestamp()
    first, last = (at - half) // size, (at + max(seconds, 0.0) + half) // size
    if not last - first < _MOST:
        return []
    try:
        return [_name(number * size) for number in range(int(first), int(last) + 1)]
    except (OverflowError, ValueError):
        return []


def own_stretch(time: SplitTime, start: datetime) -> str:
    """Name of the stretch that a recording begins in: where that stretch begins, UTC."""
    return _name(start.timestamp() // time.bucket_seconds * time.bucket_seconds)


def is_ordered(time: SplitTime) -> bool:
    """Whether parts follow each other in time, and not by hash."""
    return time.validation_from is not None


def ordered_part(time: SplitTime, stretch: str) -> Literal["train", "validation", "test"]:
    """The part of a stretch where training is the past and testing the future."""
    assert time.validation_from is not None
    assert time.test_from is not None
    begin = datetime.strptime(stretch, _NAME).replace(tzinfo=UTC).timestamp()
    if begin >= midnight(time.test_from):
        return "test"
    return "validation" if begin >= midnight(time.validation_from) else "train"


def _name(seconds: float) -> str:
    begin = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    # %Y has no leading zeros before the year 1000 on Linux, and names must sort.
    return f"{begin.year:04d}{begin:-%m-%dT%H:%M:%SZ}"
