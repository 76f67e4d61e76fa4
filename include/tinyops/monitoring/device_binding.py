"""Binding of devices to gateways: whose frames of a device count.

A gateway lists its devices in `status.json`, and its frames of those devices alone are judged. The
binding is remembered, because files of frames come late and a device may move to another gateway:

- A device is bound to the gateway that lists it first.
- It moves to another gateway that lists it when its own lists it no longer, or has not written a
  status for HANDOVER. Until then frames of the other gateway are set aside.
- Frames that a gateway has received before the device moved away still count, however late their
  file comes.
- A device that no gateway lists any more stays bound for frames of one more day (LATE), so a status
  that is older than the frames, missing or damaged for a while costs nothing.

Times of statuses are those of the S3 server, because a gateway writes its own clock's into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tinyops.fleet.reports import GatewayReport
from tinyops.sketches.frames import FrameRecord

HANDOVER = timedelta(hours=1)
LATE = timedelta(days=1)
MOST_EARLIER = 5
"""Earlier gateways of a device that are remembered."""

UNKNOWN_DEVICE = "of a device that its gateway does not list"
FOREIGN_DEVICE = "of a device of another gateway"
REASONS = (UNKNOWN_DEVICE, FOREIGN_DEVICE)


@dataclass(frozen=True)
class Binding:
    """Gateway of one device.

    Parameters
    ----------
    seen
        When its latest status that lists the device was written.
    earlier
        Gateways before this one, the latest first, each with when the device was seen to have left.
    """

    gateway: str
    seen: datetime
    earlier: tuple[tuple[str, datetime], ...] = ()

    def fault(self, gateway: str, received_at: datetime) -> str:
        """Return why a frame that a gateway received at a time does not count, or ""."""
        if gateway == self.gateway:
            return "" if received_at <= self.seen + LATE else UNKNOWN_DEVICE
        left = (until for name, until in self.earlier if name == gateway)
        return "" if any(received_at <= until for until in left) else FOREIGN_DEVICE


Bindings = Mapping[str, Binding]
"""By device."""


def fault(bindings: Bindings, gateway: str, record: FrameRecord, now: datetime) -> str:
    """Return why a frame in a file of a gateway does not count, or ""."""
    binding = bindings.get(record.device)
    if binding is None:
        return UNKNOWN_DEVICE
    # A clock that is ahead is not the binding's matter.
    return binding.fault(gateway, min(datetime.fromisoformat(record.received_at), now))


def renew_bindings(
    before: Bindings,
    reports: Mapping[str, GatewayReport],
    project: str,
    now: datetime,
    keep: timedelta,
) -> dict[str, Binding]:
    """Return the bindings of a project's devices after the latest status of all gateways.

    Parameters
    ----------
    keep
        How long a device is remembered that no gateway lists.
    """
    claims: dict[str, dict[str, datetime]] = {}
    for gateway, report in reports.items():
        for device, row in report.devices.items():
            if row.project == project and report.written_at is not None:
                claims.setdefault(device, {})[gateway] = report.written_at
    readable = {gateway for gateway, report in reports.items() if report.readable}
    bound = {
        device: _bound(before.get(device), claims.get(device, {}), readable, now)
        for device in sorted({*before, *claims})
    }
    return {device: one for device, one in bound.items() if now - one.seen <= keep}


def _bound(
    before: Binding | None, claims: dict[str, datetime], readable: set[str], now: datetime
) -> Binding:
    if before is None:
        gateway = min(claims)
        return Binding(gateway, claims[gateway])
    seen = claims.get(before.gateway, before.seen)
    others = {gateway: at for gateway, at in claims.items() if gateway != before.gateway}
    left = before.gateway in readable and before.gateway not in claims
    if not others or (now - seen <= HANDOVER and not left):
        return replace(before, seen=seen)
    # The one that was heard of last: a second dead gateway may still list the device too.
    gateway = max(others, key=lambda name: (others[name], name))
    earlier = ((before.gateway, now), *before.earlier)[:MOST_EARLIER]
    return Binding(gateway, others[gateway], earlier)


def bindings_content(bindings: Bindings) -> dict[str, Any]:
    """Return bindings as JSON content."""
    return {
        device: {
            "gateway": one.gateway,
            "seen": one.seen.isoformat(),
            "earlier": [[gateway, until.isoformat()] for gateway, until in one.earlier],
        }
        for device, one in bindings.items()
    }


def read_bindings(content: Mapping[str, Any]) -> dict[str, Binding]:
    """Return the bindings that `bindings_content` made."""
    return {
        device: Binding(
            row["gateway"],
            datetime.fromisoformat(row["seen"]),
            tuple((gateway, datetime.fromisoformat(until)) for gateway, until in row["earlier"]),
        )
        for device, row in content.items()
    }
