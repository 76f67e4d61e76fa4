"""Rings: which devices a release may reach, decided alike by every gateway without asking."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Channel(BaseModel):
    """The signed pointer of a project: what its devices shall run.

    `previous` is what devices outside the open ring keep; empty when there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str
    version: str
    rings: list[Share] = Field(min_length=1)
    ring: int = Field(ge=0, description="index of the ring that is open now")
    salt: str
    previous: str = ""

    @property
    def share(self) -> float:
        """The share of devices that the open ring covers, 0 to 1."""
        return self.rings[min(self.ring, len(self.rings) - 1)]

    def version_for(self, device: str) -> str:
        """The version this device shall run; empty when it shall be left as it is."""
        return self.version if in_ring(device, self.salt, self.share) else self.previous


def in_ring(device: str, salt: str, share: float) -> bool:
    """Whether a device falls into the first `share` of the fleet.

    The device's place is the first 64 bits of SHA-256(salt, NUL, device) as a fraction, so a larger
    share always contains the smaller one and another salt begins with other devices.
    """
    digest = hashlib.sha256(f"{salt}\0{device}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share
