"""What the gateway reports to S3, one object an event."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

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


@dataclass(frozen=True)
class Event:
    """Something that happened to a device, or (device empty) to the gateway.

    `version` is the release the event is about: with `restored` and `refused`, the one that was
    not taken. `at` is UTC, ISO 8601.
    """

    kind: Kind
    project: str = ""
    version: str = ""
    device: str = ""
    target: str = ""
    detail: str = ""
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    id: str = field(
        default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}"
    )

    def content(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self)
