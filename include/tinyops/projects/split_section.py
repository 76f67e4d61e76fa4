"""The `split:` section of project.yaml: how recordings are divided into parts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Self

from pydantic import Field, model_validator

from tinyops.projects.section import Section

_Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class SplitTime(Section):
    """Groups are stretches of time; a gap keeps neighbours in time out of two parts."""

    bucket_hours: float = Field(
        default=24.0,
        ge=1 / 60,
        le=24 * 366,
        description="length of a group; groups are counted from 1970-01-01 00:00 UTC on",
    )
    gap_minutes: float = Field(
        default=60.0,
        ge=0.0,
        description="least time between recordings of two parts; what is nearer is in none",
    )
    validation_from: date | None = Field(
        default=None, description="with test_from: train on the time before it (UTC, midnight)"
    )
    test_from: date | None = Field(
        default=None, description="test on the time from it on (UTC, midnight)"
    )

    @property
    def bucket_seconds(self) -> int:
        """Length of a group."""
        return round(self.bucket_hours * 3600)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.gap_minutes * 60 >= self.bucket_seconds:
            raise ValueError(f"gap_minutes: {self.gap_minutes:g} leaves nothing of a group")
        borders = (self.validation_from, self.test_from)
        if (borders[0] is None) != (borders[1] is None):
            raise ValueError("validation_from and test_from: give both or neither")
        if borders[0] is None or borders[1] is None:
            return self
        if borders[0] >= borders[1]:
            raise ValueError("validation_from must be before test_from")
        for name, border in zip(("validation_from", "test_from"), borders, strict=True):
            if border is not None and midnight(border) % self.bucket_seconds:
                raise ValueError(f"{name}: {border} is not where a group of bucket_hours begins")
        return self


class Split(Section):
    """How groups are divided. A group (machine, recording, condition, time) is in one part."""

    group_by: str = Field(
        default="machine_id", pattern=r"^(machine_id|recording|time|condition:\w+)$"
    )
    validation: _Fraction = 0.2
    test: _Fraction = 0.2
    salt: str = Field(default="", description="changes which groups fall where")
    time: SplitTime | None = Field(default=None, description="with group_by: time")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.validation <= 0 or self.test <= 0 or self.validation + self.test >= 0.9:
            raise ValueError("split: validation and test must be above 0 and leave 0.1 to train on")
        if self.time is not None and self.group_by != "time":
            raise ValueError("split: time: is only read with group_by: time")
        return self

    @property
    def by_time(self) -> SplitTime:
        """The settings of a split by time."""
        return self.time or SplitTime()


def midnight(day: date) -> int:
    """Where a day begins (UTC), in seconds since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp())
