"""Latest status of every gateway, as typed objects; `gateway.status` writes them.

A gateway writes its own prefix, so `status.json` is input from outside: its size, names and types
are checked here, once for all readers. What is invalid is left out and named in `problems`; it
never stops the reading of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tinyops.fleet.gateways import gateway_names
from tinyops.names import is_name
from tinyops.store import ObjectInfo, Store, StoreError, StoreUnavailable, edge_layout
from tinyops.wrong_key import wrong_key

LARGEST_STATUS = 1 << 20
"""Bytes; a device takes about 1 kB."""
MOST_DEVICES = 256
"""Devices of one gateway."""
LONGEST_TEXT = 4096
"""Characters of a text that are kept."""
NO_STATUS = "no status.json"
SHOWN_PROBLEMS = 5
"""Invalid entries of a status that are described; the others are counted."""

Count = Annotated[int, Field(ge=0, lt=2**63)]
# A long text costs its end, not the device's entry.
Text = Annotated[str, AfterValidator(lambda text: text[:LONGEST_TEXT])]


class _Reported(BaseModel):
    """Unknown keys are ignored: gateways may be newer."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class FrameReport(_Reported):
    """Counts of a device's frames; see `gateway.status`."""

    at: Text | None = None
    epoch: Count | None = None
    window: Count | None = None
    sent: Count = 0
    waiting: Count = 0
    dropped: Count = 0
    refused: dict[Text, Count] = Field(default={}, max_length=32)


class ImageReport(_Reported):
    """Image and counters that a device reported when it was last asked."""

    project: Text = ""
    version: Text = ""
    target: Text = ""
    chip_id: Text = ""
    image_crc32: Text = ""
    boot_ok: bool | None = None
    faults: Count | None = None
    bad_frames: Count | None = None
    windows: Count | None = None
    last_class: Count | None = None
    confidence: Count | None = None
    counts: list[Count] = Field(default=[], max_length=64)


class FlashReport(_Reported):
    """Flashes of a device within 24 hours, and its budget."""

    last_24h: Count = 0
    per_day: Count = 0


class DeviceReport(_Reported):
    """A device as its gateway last reported it."""

    board: Text = ""
    port: Text = ""
    project: Text = ""
    target: Text = ""
    state: Text = ""
    confirmed: Text = ""
    pending: Text = ""
    failures: Count = 0
    problem: Text = ""
    action: Text = ""
    runs: ImageReport | None = None
    frames: FrameReport | None = None
    flashes: FlashReport | None = None


class _GatewayFields(_Reported):
    at: Text = ""
    releases: Text = ""
    disk: Text = "ok"
    events_waiting: Count = 0


@dataclass(frozen=True)
class GatewayReport:
    """Status of one gateway.

    Parameters
    ----------
    disk
        "ok", or why the gateway cannot write.
    devices
        Valid entries by device id.
    problems
        Reasons why the status, or entries of it, cannot be read.
    readable
        False where there is no status, or none that is a JSON object.
    written_at
        Time of the object in S3, by the server's clock; None without one.
    """

    at: str = ""
    releases: str = ""
    disk: str = "ok"
    events_waiting: int = 0
    devices: dict[str, DeviceReport] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    readable: bool = False
    written_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON content: the keys that the gateway has written, and `problems` if there are any."""
        content: dict[str, Any] = {}
        if self.readable:
            content = {"at": self.at, "releases": self.releases, "disk": self.disk}
            content |= {"events_waiting": self.events_waiting}
            content["devices"] = {
                name: device.model_dump(exclude_unset=True) for name, device in self.devices.items()
            }
        return content | ({"problems": list(self.problems)} if self.problems else {})


def read_gateway_reports(store: Store) -> dict[str, GatewayReport]:
    """Return the status of each gateway by its name.

    Raises
    ------
    StoreUnavailable
        S3 does not answer; worth another try.
    """
    return {name: read_gateway_report(store, name) for name in gateway_names(store)}


def read_gateway_report(store: Store, gateway: str) -> GatewayReport:
    """Return the status of one gateway; errors as in `read_gateway_reports`."""
    key = edge_layout.gateway_status(gateway)
    try:
        row = _listed(store, key)
        if row is None:
            return GatewayReport(problems=(NO_STATUS,))
        content = store.get_json(key, LARGEST_STATUS)
    except StoreUnavailable:
        raise
    except StoreError as error:
        return GatewayReport(problems=(error.message,))
    return parse_gateway_report(content, row.last_modified)


def parse_gateway_report(content: Any, written_at: datetime | None = None) -> GatewayReport:
    """Return the report that a status holds."""
    if not isinstance(content, dict):
        return GatewayReport(problems=("status.json is no JSON object",))
    problems: list[str] = []
    head = _GatewayFields()
    try:
        head = _GatewayFields.model_validate(content)
    except ValidationError as error:
        problems.append(_reason("", error))
    devices = {}
    for name, row in _rows(content.get("devices", {}), problems):
        try:
            devices[name] = DeviceReport.model_validate(row)
        except ValidationError as error:
            problems.append(_reason(name, error))
    if (more := len(problems) - SHOWN_PROBLEMS) > 0:
        problems = [*problems[:SHOWN_PROBLEMS], f"and {more} more problems"]
    return GatewayReport(
        **dict(head),
        devices=devices,
        problems=tuple(problems),
        readable=True,
        written_at=written_at,
    )


def _rows(content: Any, problems: list[str]) -> Iterator[tuple[str, Any]]:
    if not isinstance(content, dict):
        problems.append(f"devices: {type(content).__name__}, expected an object")
        return
    named = [name for name in content if is_name(name)]
    if more := len(content) - len(named):
        problems.append(f"devices: {more} with an invalid id")
    if len(named) > MOST_DEVICES:
        problems.append(f"devices: {len(named)}, expected at most {MOST_DEVICES}")
    yield from ((name, content[name]) for name in named[:MOST_DEVICES])


def _reason(device: str, error: ValidationError) -> str:
    key, reason, _ = wrong_key(error)
    path = ".".join(filter(None, ("devices" if device else "", device, key)))
    return f"{path or 'the file'}: {reason}"[:200]


def _listed(store: Store, key: str) -> ObjectInfo | None:
    return next((row for row in store.objects(key) if row.key == key), None)
