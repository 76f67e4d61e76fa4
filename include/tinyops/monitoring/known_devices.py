"""The pointer `devices` of a project: device bindings, and devices whose frames were set aside.

Monitor alone writes it. People see what was set aside in `tinyops monitor status`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tinyops.fleet.reports import read_gateway_reports
from tinyops.monitoring.device_binding import (
    Binding,
    bindings_content,
    read_bindings,
    renew_bindings,
)
from tinyops.projects import Project
from tinyops.sketches.frames import FrameRecord
from tinyops.store import Pointer, Store, layout

SHOWN_A_GATEWAY = 20
"""Devices of one gateway that are listed as set aside; the others are counted."""
SHOWN_FOR = timedelta(days=7)
"""After the last of its frames, a device is listed no longer."""


@dataclass
class KnownDevices:
    """Content of the pointer.

    Parameters
    ----------
    set_aside
        {"<gateway> <device>": {gateway, device, reason, frames, at}}; `at` is when monitor last set
        frames aside, UTC, ISO 8601.
    more
        Devices that were set aside too and have no place in the list.
    """

    bindings: dict[str, Binding]
    set_aside: dict[str, dict[str, Any]] = field(default_factory=dict)
    more: int = 0

    @classmethod
    def read(cls, store: Store, project: str) -> KnownDevices:
        """Return what the pointer holds; empty before the first frames."""
        content: dict[str, Any] = store.get_json_or(layout.pointer(project, Pointer.DEVICES), {})
        return cls(
            read_bindings(content.get("devices", {})),
            content.get("set_aside", {}),
            content.get("more", 0),
        )

    def write(self, store: Store, project: str) -> None:
        """Replace the pointer."""
        content: dict[str, Any] = {"devices": bindings_content(self.bindings)}
        content |= {"set_aside": self.set_aside, "more": self.more}
        store.put_json(layout.pointer(project, Pointer.DEVICES), content)

    def renew(self, store: Store, project: Project, now: datetime | None = None) -> None:
        """Read the status of all gateways and bind devices by them."""
        now, keep = now or datetime.now(UTC), timedelta(days=project.retention.frames_days)
        reports = read_gateway_reports(store)
        self.bindings = renew_bindings(self.bindings, reports, project.name, now, keep)
        self.set_aside = {
            name: row
            for name, row in self.set_aside.items()
            if now - datetime.fromisoformat(row["at"]) <= SHOWN_FOR and not self._bound(row)
        }
        self.more = self.more if self.set_aside else 0

    def count_set_aside(self, frames: Iterable[tuple[FrameRecord, str, str]], at: str) -> None:
        """Count frames that were set aside: record, gateway that sent the file, reason."""
        unlisted = set()
        listed = Counter(row["gateway"] for row in self.set_aside.values())
        for record, gateway, reason in frames:
            name = f"{gateway} {record.device}"
            if name not in self.set_aside:
                if listed[gateway] >= SHOWN_A_GATEWAY:
                    unlisted.add(name)
                    continue
                listed[gateway] += 1
            row = self.set_aside.setdefault(name, {"frames": 0})
            row |= {"gateway": gateway, "device": record.device, "reason": reason, "at": at}
            row["frames"] += 1
        self.more = max(self.more, len(unlisted))

    def _bound(self, row: dict[str, Any]) -> bool:
        binding = self.bindings.get(row["device"])
        return binding is not None and binding.gateway == row["gateway"]
