"""The champion: the stable version of the signed channel, once enough devices attest it.

What may become champion is signed; whether it has is counted. So a gateway's report can delay or
hasten a promotion that was signed, and name nothing else. Devices are counted by their newest
report in the server's time: clocks of gateways have no say.
"""

from __future__ import annotations

import logging
from typing import Any

from tinyops.fleet.devices import for_targets, reported_devices
from tinyops.releases.publish import read_channel
from tinyops.store import Pointer, Store, StoreError, layout
from tinyops.training import registry

SHARE = 0.5
"""Share of a project's reported devices that must attest the stable version."""

log = logging.getLogger(__name__)


def settle_champion(store: Store, project: str) -> dict[str, Any]:
    """Make the stable version the champion if enough devices attest it; may be repeated.

    Returns
    -------
    {champion: version | None, candidate, changed}

    Raises
    ------
    ReleaseError, SigningKeyError
        The signed channel cannot be read.
    StoreError
        The stable version was never staged, or the pointer `champion` is damaged.
    """
    current = _champion(store, project)
    channel = read_channel(store, project)
    stable = channel.stable if channel else ""
    if not stable or (current and current["version"] == stable):
        return _told(current, changed=False)
    manifest = _release_manifest(store, project, stable)
    devices = for_targets(reported_devices(store, project), manifest.get("targets") or ())
    attested = [device for device in devices if device.attested == stable]
    log.info("%s %s: attested by %d of %d devices", project, stable, len(attested), len(devices))
    if not attested or len(attested) < SHARE * len(devices):
        return _told(current, changed=False)
    candidate = str(manifest.get("candidate") or stable)
    registry.crown(project, candidate)
    content = {
        "version": stable,
        "candidate": candidate,
        "attested": len(attested),
        "devices": len(devices),
        "at": max(device.reported for device in attested).isoformat(),
    }
    # Last: until it is written, the alias is set again at the next call.
    store.put_json(layout.pointer(project, Pointer.CHAMPION), content)
    return _told(content, changed=True)


def champion_candidate(store: Store, project: str) -> str | None:
    """The candidate that the champion was made from, or None before the first."""
    content = _champion(store, project)
    return str(content["candidate"]) if content else None


def _champion(store: Store, project: str) -> dict[str, Any] | None:
    key = layout.pointer(project, Pointer.CHAMPION)
    content: Any = store.get_json_or(key, None)
    if content is None or (isinstance(content, dict) and {"version", "candidate"} <= set(content)):
        return content
    raise StoreError(
        f"{store.uri(key)} is invalid: expected an object with version and candidate",
        "Remove the object: the champion is derived anew.",
    )


def _release_manifest(store: Store, project: str, version: str) -> dict[str, Any]:
    key = layout.release_manifest(project, version)
    content: Any = store.get_json_or(key, None)
    if isinstance(content, dict):
        return content
    raise StoreError(
        f"{store.uri(key)} is missing or no object, though {version} is signed as stable",
        "Restore it from a backup, or release the next version.",
    )


def _told(content: dict[str, Any] | None, changed: bool) -> dict[str, Any]:
    return {
        "champion": content["version"] if content else None,
        "candidate": content["candidate"] if content else None,
        "changed": changed,
    }
