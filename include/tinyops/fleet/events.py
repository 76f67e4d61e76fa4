"""Events of gateways, read from S3 and validated.

Whoever holds a gateway's keys writes below its prefix, so each object is read with suspicion: a
malformed one is named in the log and skipped. Times are the server's (`LastModified`): a gateway's
clock may be years off.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from tinyops.fleet.errors import MalformedReport
from tinyops.fleet.event import Event
from tinyops.store import (
    ObjectInfo,
    ObjectMissing,
    Store,
    StoreError,
    StoreUnavailable,
    edge_layout,
)
from tinyops.wrong_key import wrong_key

EVENT_BYTES = 64 * 1024
"""Size limit of an event; a gateway writes about 0.5 kB."""
REQUIRED = ("kind", "project", "version", "device", "at")
"""Keys that an event must have; the others are about it, not of it."""

log = logging.getLogger(__name__)
_EVENT = TypeAdapter(Event)


@dataclass(frozen=True)
class StoredEvent:
    """An event in S3; `written` is the server's time of its upload."""

    gateway: str
    written: datetime
    event: Event


def read_events(
    store: Store, gateway: str, since: datetime | None = None, *, newest_first: bool = False
) -> Iterator[StoredEvent]:
    """Events of a gateway in the order of their upload.

    Parameters
    ----------
    since
        Events uploaded earlier, by the server's clock, are not fetched.

    Raises
    ------
    StoreUnavailable
        S3 does not answer. Any other trouble with one object is logged and hides no other.
    """
    rows = sorted(
        store.objects(edge_layout.gateway_events(gateway)),
        key=lambda row: (row.last_modified, row.key),
        reverse=newest_first,
    )
    for row in rows:
        if since is not None and row.last_modified < since:
            continue
        try:
            yield StoredEvent(gateway, row.last_modified, _read(store, row))
        except ObjectMissing:
            continue  # removed since it was listed
        except StoreUnavailable:
            raise
        except (MalformedReport, StoreError) as error:
            log.warning("%s skipped: %s", store.uri(row.key), error)


def parse_event(content: bytes) -> Event:
    """Return a validated event.

    Raises
    ------
    MalformedReport
        The bytes are not JSON, a key is missing, unknown or of another type, or a value is invalid.
    """
    try:
        value = from_json(content)
    except ValueError as error:
        raise MalformedReport(f"event is not JSON: {error}", "Remove the object.") from None
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise MalformedReport(f"event is {kind}, expected an object", "Remove the object.")
    if missing := [name for name in REQUIRED if name not in value]:
        raise MalformedReport(f"event has no {', '.join(missing)}", "Remove the object.")
    try:
        return _EVENT.validate_json(content)
    except ValidationError as error:
        key, reason, _ = wrong_key(error)
        raise MalformedReport(f"event is invalid: {key}: {reason}", "Remove the object.") from None


def _read(store: Store, row: ObjectInfo) -> Event:
    if row.size > EVENT_BYTES:
        raise MalformedReport(
            f"event has {row.size} bytes, expected at most {EVENT_BYTES}", "Remove the object."
        )
    return parse_event(store.get(row.key))
