"""An event of a gateway: one object in S3, written once."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict

from tinyops.store import layout

Kind = Literal[
    "flashing",
    "action_needed",
    "flashed",
    "attested",
    "restored",
    "refused",
    "frames_refused",
    "error",
]


def _name(value: str) -> str:
    if value and not layout.is_safe(value):
        raise ValueError(f"{value[:80]!r} is not a name, expected letters, digits and ._=-")
    return value


def _moment(value: str) -> str:
    if datetime.fromisoformat(value).utcoffset() is None:
        raise ValueError(f"{value!r} has no UTC offset, expected ISO 8601 with one")
    return value


Name = Annotated[str, AfterValidator(_name)]
"""A name that can be part of an S3 key, or empty."""
Moment = Annotated[str, AfterValidator(_moment)]


@dataclass(frozen=True)
class Event:
    """An event of a device or, with `device` empty, of the gateway itself.

    Validated where it is read (`fleet.events`), not where it is made: a gateway reports what it
    saw, even if a device gave it a strange name.

    Parameters
    ----------
    version
        Release that the event is about; with `restored` and `refused`, the one not accepted.
    at
        Time by the gateway's own clock, which may be wrong; UTC, ISO 8601.
    id
        Name of the object.
    """

    # For pydantic, which leaves the constructor as it is.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid")

    kind: Kind
    project: Name = ""
    version: Name = ""
    device: Name = ""
    target: Name = ""
    detail: str = ""
    at: Moment = field(default_factory=lambda: datetime.now(UTC).isoformat())
    id: Name = field(
        default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}"
    )

    def content(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self)
