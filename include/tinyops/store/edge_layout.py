"""S3 keys of all projects together: gateways and the TUF repository. As in `layout`."""

from __future__ import annotations

from tinyops.store.layout import part, parts

TUF_METADATA = "tuf/metadata/"
"""Folder of the metadata of the TUF repository."""

TUF_TARGETS = "tuf/targets/"
"""Folder of the targets of the TUF repository."""

TUF_TIMESTAMP = "timestamp.json"
"""In the folder of TUF metadata: the one file that is written over."""

GATEWAYS = "gateways/"
"""Folder of all gateways."""


def gateway(name: str) -> str:
    """Folder that only this gateway writes."""
    return f"{GATEWAYS}{part(name)}/"


def gateway_status(name: str) -> str:
    """The gateway's last word on itself and its devices."""
    return gateway(name) + "status.json"


def gateway_events(name: str) -> str:
    """Folder of the gateway's events."""
    return gateway(name) + "events/"


def gateway_event(name: str, event_id: str) -> str:
    """One event: flashed, attested, restored, refused."""
    return gateway_events(name) + f"{part(event_id)}.json"


def tuf_metadata(filename: str) -> str:
    """A TUF metadata file."""
    return TUF_METADATA + part(filename)


def tuf_version_name(role: str, version: int) -> str:
    """In the folder of TUF metadata: a version of a role other than timestamp."""
    return f"{version}.{role}.json"


def tuf_target(path: str, sha256: str) -> str:
    """A TUF target; `path` has folders. The repository keeps it under its hash (TUF 1.0, 6.2)."""
    folder, slash, name = path.rpartition("/")
    return TUF_TARGETS + parts(f"{folder}{slash}{sha256}.{name}")


def is_overwritten(key: str) -> bool:
    """Return True for a key that is written over; all others keep the content they got first."""
    name = key.removeprefix(GATEWAYS).partition("/")[0]
    return key in (tuf_metadata(TUF_TIMESTAMP), f"{GATEWAYS}{name}/status.json")
