"""Rings: which devices a release may reach, decided alike by every gateway without asking.

A release is on trial in the open ring while all other devices run `stable`, the last version that
was promoted. Opening the ring with share 1.0 promotes the version on trial. A trial that fails is
replaced by the next release or ended by a rollback; either way `stable` remains what it was.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tinyops.releases.errors import ReleaseError
from tinyops.store import sha256_hex

Share = Annotated[float, Field(ge=0.0, le=1.0)]
_RESOLUTION = 10_000


class Channel(BaseModel):
    """The signed pointer of a project: what its devices shall run.

    Parameters
    ----------
    version
        Version of the open ring: the one on trial, or `stable` itself once it was promoted.
    stable
        Last promoted version, which devices outside the ring run; empty before the first one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str
    version: str
    rings: list[Share] = Field(min_length=1)
    ring: int = Field(ge=0, description="index of the ring that is open now")
    salt: str
    stable: str = ""

    @property
    def share(self) -> float:
        """The share of devices that the open ring covers, 0 to 1."""
        return self.rings[min(self.ring, len(self.rings) - 1)]

    @property
    def trial(self) -> str:
        """The version on trial; empty when there is none."""
        return "" if self.version == self.stable else self.version

    def version_for(self, device: str) -> str:
        """The version this device shall run; empty when it shall be left as it is."""
        return self.version if in_ring(device, self.salt, self.share) else self.stable


def next_channel(
    current: Channel | None, project: str, version: str, rings: list[float]
) -> Channel:
    """Put a version on trial in the first ring.

    A version on trial already keeps its ring; naming the stable version ends the trial.
    """
    if current is not None and current.version == version:
        return current
    if current is not None and current.stable == version:
        return roll_back(current)
    stable = current.stable if current else ""
    channel = Channel(
        project=project,
        version=version,
        rings=rings,
        ring=0,
        salt=_salt(project, version),
        stable=stable,
    )
    return open_ring(channel, 0)


def open_ring(channel: Channel, ring: int) -> Channel:
    """Open a ring to the version on trial; a ring of share 1.0 promotes it.

    Raises
    ------
    ReleaseError
        There is no such ring, or the version was promoted and its ring would be made smaller.
    """
    if not 0 <= ring < len(channel.rings):
        raise ReleaseError(
            f"{channel.project} has no ring {ring}", f"rings: 0 to {len(channel.rings) - 1}"
        )
    opened = channel.model_copy(update={"ring": ring})
    if opened.share >= 1.0:
        return opened.model_copy(update={"stable": opened.version})
    if not channel.trial:
        raise ReleaseError(
            f"{channel.project} {channel.version} was promoted to all devices, "
            f"so ring {ring} of share {opened.share:g} has no meaning",
            "Name an earlier version to go back to it.",
        )
    return opened


def roll_back(channel: Channel) -> Channel:
    """End the trial: all devices run the stable version.

    Raises
    ------
    ReleaseError
        No version was promoted yet.
    """
    if not channel.stable:
        raise ReleaseError(
            f"{channel.project} has no stable version to roll back to: {channel.version} is its "
            "first release",
            "Release a corrected version.",
        )
    return channel.model_copy(
        update={
            "version": channel.stable,
            "ring": len(channel.rings) - 1,
            "salt": _salt(channel.project, channel.stable),
        }
    )


def require_canary(channel: Channel, devices: Collection[str]) -> None:
    """Refuse a ring that holds none of the known devices: its trial would show nothing.

    A project without known devices passes: it must be able to make its first release.

    Raises
    ------
    ReleaseError
        The open ring is empty. Names the smallest share that holds a device.
    """
    if not devices or any(in_ring(one, channel.salt, channel.share) for one in devices):
        return
    place = min(place_of(one, channel.salt) for one in devices)
    smallest = (math.floor(place * _RESOLUTION) + 1) / _RESOLUTION
    raise ReleaseError(
        f"{channel.project} {channel.version}: ring {channel.ring} holds no device: share "
        f"{channel.share:g} of {len(devices)} known devices, expected at least {smallest:g}",
        f"Set ring {channel.ring} in rollout.rings of project.yaml to {smallest:g} or more.",
    )


def in_ring(device: str, salt: str, share: float) -> bool:
    """Return True if a device falls into the first `share` of the fleet."""
    return place_of(device, salt) < share


def place_of(device: str, salt: str) -> float:
    """Place of a device in the order of the fleet, 0 to below 1.

    The first 64 bits of SHA-256(salt, NUL, device) as a fraction, so a larger share always contains
    the smaller one and another salt begins with other devices.
    """
    digest = hashlib.sha256(f"{salt}\0{device}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _salt(project: str, version: str) -> str:
    # Another release begins with other devices.
    return sha256_hex(f"{project}/{version}".encode())[:16]
