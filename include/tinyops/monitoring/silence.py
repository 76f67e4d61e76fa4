"""Devices that have stopped to report: nothing arrives that would wake the monitor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tinyops.monitoring.judge import LOOK_BACK
from tinyops.monitoring.verdict import SILENCE, SILENT
from tinyops.store import Pointer, Store, layout


def silent_devices(store: Store, project: str, now: datetime | None = None) -> list[str]:
    """Devices whose verdict is older than a day and does not say that they are silent, sorted.

    New frames make a new verdict, so one that is older than `SILENCE` has seen none since; `judge`
    looks back no further than `LOOK_BACK`.
    """
    now = now or datetime.now(UTC)
    key = layout.pointer(project, Pointer.VERDICT)
    pointer: dict[str, Any] = store.get_json_or(key, {"devices": {}})
    return sorted(
        device
        for device, verdict in pointer["devices"].items()
        if SILENCE < now - datetime.fromisoformat(verdict["at"]) < LOOK_BACK
        and not verdict["reason"].startswith(SILENT)
    )
