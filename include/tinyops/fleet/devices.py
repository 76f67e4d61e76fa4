"""Devices of a project as their gateways report them: their target and the version they attested.

A gateway's status has precedence. Where it cannot be read, the gateway's events stand in.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from tinyops.fleet.errors import MalformedReport
from tinyops.fleet.event import Name
from tinyops.fleet.events import gateway_names, read_events
from tinyops.store import ObjectMissing, Store, StoreError, StoreUnavailable, edge_layout, layout
from tinyops.wrong_key import wrong_key

SILENT_AFTER = timedelta(days=7)
"""Age of a report, by the server's clock, from which its devices no longer count. A gateway renews
its status every 30 s."""
STATUS_BYTES = 8 * 1024 * 1024
"""Size limit of a status; a device takes about 1 kB of it."""
EVENTS_READ = 1000
"""Newest events that are read of a gateway without a status."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReportedDevice:
    """A device in its gateway's newest report.

    Parameters
    ----------
    target
        Target that its images need; "" where the report does not say.
    attested
        Version that it attested last; "" for none.
    reported
        Time of the report by the server's clock.
    """

    id: str
    gateway: str
    target: str
    attested: str
    reported: datetime


class _Row(BaseModel):
    """The part of a device's status that is read here; gateways write more."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    target: Name = ""
    confirmed: Name = ""


def reported_devices(
    store: Store, project: str, now: datetime | None = None
) -> dict[str, ReportedDevice]:
    """Devices of a project by id, each from the newest report that names it.

    Reports older than SILENT_AFTER do not count. A malformed status, row or event is named in the
    log and hides no other.

    Raises
    ------
    StoreUnavailable
        S3 does not answer.
    """
    oldest = (now or datetime.now(UTC)) - SILENT_AFTER
    devices: dict[str, ReportedDevice] = {}
    for gateway in gateway_names(store):
        for device in _devices_of(store, project, gateway):
            known = devices.get(device.id)
            if device.reported >= oldest and (known is None or known.reported < device.reported):
                devices[device.id] = device
    return devices


def for_targets(
    devices: Mapping[str, ReportedDevice], targets: Collection[str]
) -> list[ReportedDevice]:
    """Return the devices that a release with images for `targets` is for.

    Devices whose target was not reported count; without targets all devices do.
    """
    return [
        device
        for device in devices.values()
        if not targets or not device.target or device.target in targets
    ]


def _devices_of(store: Store, project: str, gateway: str) -> list[ReportedDevice]:
    try:
        return list(_from_status(store, project, gateway))
    except ObjectMissing:
        pass
    except StoreUnavailable:
        raise
    except (MalformedReport, StoreError) as error:
        uri = store.uri(edge_layout.gateway_status(gateway))
        log.warning("%s skipped, events are read instead: %s", uri, error)
    return list(_from_events(store, project, gateway))


def _from_status(store: Store, project: str, gateway: str) -> Iterator[ReportedDevice]:
    key = edge_layout.gateway_status(gateway)
    row = next((row for row in store.objects(key) if row.key == key), None)
    if row is None:
        raise ObjectMissing(f"{store.uri(key)} does not exist")
    if row.size > STATUS_BYTES:
        raise MalformedReport(
            f"status has {row.size} bytes, expected at most {STATUS_BYTES}", "Remove the object."
        )
    for device, content in _rows(store.get(key)).items():
        if not isinstance(content, dict) or content.get("project") != project:
            continue
        try:
            if not layout.is_safe(device):
                raise MalformedReport(f"device {device[:80]!r} has an invalid id", "Rename it.")
            seen = _Row.model_validate(content)
        except MalformedReport as error:
            log.warning("%s: device skipped: %s", store.uri(key), error)
            continue
        except ValidationError as error:
            field, reason, _ = wrong_key(error)
            log.warning("%s: device %s skipped: %s: %s", store.uri(key), device, field, reason)
            continue
        yield ReportedDevice(device, gateway, seen.target, seen.confirmed, row.last_modified)


def _rows(content: bytes) -> dict[str, Any]:
    try:
        status = from_json(content)
    except ValueError as error:
        raise MalformedReport(f"status is not JSON: {error}", "Restart the gateway.") from None
    devices = status.get("devices") if isinstance(status, dict) else None
    if not isinstance(devices, dict):
        raise MalformedReport("status names no devices", "Restart the gateway.")
    return devices


def _from_events(store: Store, project: str, gateway: str) -> Iterator[ReportedDevice]:
    """Devices by their newest attestation among the newest events."""
    seen: set[str] = set()
    for stored in islice(read_events(store, gateway, newest_first=True), EVENTS_READ):
        event = stored.event
        if event.kind != "attested" or event.project != project:
            continue
        if event.device and event.device not in seen:
            seen.add(event.device)
            yield ReportedDevice(event.device, gateway, event.target, event.version, stored.written)
