"""The champion: the newest version that a device has attested."""

from __future__ import annotations

from typing import Any

from tinyops.store import Pointer, Store, edge_layout, layout
from tinyops.training import registry


def settle_champion(store: Store, project: str) -> dict[str, Any]:
    """Make the newest attested version the champion; harmless when it is already.

    Reads all gateways' events `{kind, project, version, device, target, at}`. Returns
    {champion: version | None, candidate, changed}.
    """
    key = layout.pointer(project, Pointer.CHAMPION)
    current: dict[str, Any] | None = store.get_json_or(key, None)
    newest = newest_attestation(store, project, since=current["at"] if current else "")
    if newest is None or (current and current["at"] >= newest["at"]):
        return _told(current, changed=False)
    if current and current["version"] == newest["version"]:
        return _told(current, changed=False)
    manifest: dict[str, Any] = store.get_json_or(
        layout.release_manifest(project, newest["version"]), {}
    )
    candidate = str(manifest.get("candidate") or newest["version"])
    registry.crown(project, candidate)
    content = {
        "version": newest["version"],
        "candidate": candidate,
        "device": newest["device"],
        "target": newest["target"],
        "at": newest["at"],
    }
    # Last: until it is written, the alias is set again at the next call.
    store.put_json(key, content)
    return _told(content, changed=True)


def newest_attestation(store: Store, project: str, since: str = "") -> dict[str, Any] | None:
    """The newest event in which a device of the project attested what it runs.

    Names of events begin with their time, so each gateway's are read from the newest back, and no
    further than the event that made the present champion.
    """
    attested: list[dict[str, Any]] = []
    for gateway in store.folders(edge_layout.GATEWAYS):
        for row in reversed(list(store.objects(edge_layout.gateway_events(gateway)))):
            event = store.get_json(row.key)
            if str(event["at"]) < since:
                break
            if event["kind"] == "attested" and event["project"] == project:
                attested.append(event)
                break
    return max(attested, key=lambda event: str(event["at"]), default=None)


def champion_candidate(store: Store, project: str) -> str | None:
    """The candidate that the champion was made from, or None before the first."""
    content = store.get_json_or(layout.pointer(project, Pointer.CHAMPION), None)
    return str(content["candidate"]) if content else None


def _told(content: dict[str, Any] | None, changed: bool) -> dict[str, Any]:
    return {
        "champion": content["version"] if content else None,
        "candidate": content["candidate"] if content else None,
        "changed": changed,
    }
