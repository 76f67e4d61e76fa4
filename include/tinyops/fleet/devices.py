"""Devices of a project as their gateways report them: their target and the version they attested.

A gateway's status has precedence. Where it cannot be read, the gateway's events stand in.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from tinyops.fleet.events import read_events
from tinyops.fleet.gateways import gateway_names
from tinyops.fleet.reports import NO_STATUS, read_gateway_report
from tinyops.store import Store, edge_layout

SILENT_AFTER = timedelta(days=7)
"""Age of a report, by the server's clock, from which its devices no longer count. A gateway renews
its status every 30 s."""
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
    report = read_gateway_report(store, gateway)
    uri, written = store.uri(edge_layout.gateway_status(gateway)), report.written_at
    if written is None or (report.problems and not report.devices):
        if report.problems != (NO_STATUS,):
            problems = "; ".join(report.problems)
            log.warning("%s skipped, events are read instead: %s", uri, problems)
        return list(_from_events(store, project, gateway))
    for problem in report.problems:
        log.warning("%s: %s; what is invalid is left out", uri, problem)
    return [
        ReportedDevice(name, gateway, row.target, row.confirmed, written)
        for name, row in report.devices.items()
        if row.project == project
    ]


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
