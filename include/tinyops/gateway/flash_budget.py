"""Limit of flashes per device and day, kept in the journal's database.

Flash memory wears: nRF52840 pages are specified for 10,000 erase cycles. Whatever makes a gateway
write again and again, this bounds it, also over restarts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tinyops.gateway.database import Database
from tinyops.gateway.errors import GatewayError

DAY = 86400.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS flash (
  number INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS flash_of_device ON flash (device, at);
"""


class FlashBudgetSpent(GatewayError):
    """A device was flashed as often as the configuration allows within a day."""


class FlashBudget:
    """Safe to share between threads.

    Parameters
    ----------
    per_day
        Flashes of one device within 24 hours, at most.
    clock
        Unix time in seconds.
    """

    def __init__(
        self, database: Database, per_day: int, clock: Callable[[], float] = time.time
    ) -> None:
        self.per_day = per_day
        self._database = database
        self._clock = clock
        database.create(_SCHEMA)

    def used(self, device: str) -> int:
        """Flashes of a device within the last 24 hours."""
        return len(self._recent(device))

    def require(self, device: str) -> None:
        """Raise FlashBudgetSpent if the device may not be flashed now."""
        recent = self._recent(device)
        if len(recent) < self.per_day:
            return
        free = datetime.fromtimestamp(recent[-self.per_day] + DAY, UTC)
        raise FlashBudgetSpent(
            f"{device} was flashed {len(recent)} times within 24 h, the limit flashes_per_day is "
            f"{self.per_day}",
            "Find the cause in the device's events. Then raise flashes_per_day in the gateway's "
            f"file and restart the gateway, or wait until {free:%Y-%m-%d %H:%M} UTC.",
        )

    def spend(self, device: str) -> int:
        """Record a flash before its first byte; returns its number.

        Raises
        ------
        FlashBudgetSpent
            The device may not be flashed now.
        """
        self.require(device)
        now = self._clock()
        with self._database.transaction() as change:
            change.execute("DELETE FROM flash WHERE at <= ?", (now - DAY,))
            row = change.execute("INSERT INTO flash (device, at) VALUES (?, ?)", (device, now))
            assert row.lastrowid is not None
            return row.lastrowid

    def refund(self, number: int) -> None:
        """Remove a flash that has written nothing."""
        with self._database.transaction() as change:
            change.execute("DELETE FROM flash WHERE number = ?", (number,))

    def _recent(self, device: str) -> list[float]:
        """Times of the flashes within the last 24 hours, oldest first."""
        now = self._clock()
        rows = self._database.rows(
            "SELECT at FROM flash WHERE device = ? AND at > ? ORDER BY at", (device, now - DAY)
        )
        times = [float(at) for (at,) in rows]
        if times and times[-1] > now:
            # The clock was set back. Without this, a flash dated 2036 would count until 2036.
            with self._database.transaction() as change:
                change.execute(
                    "UPDATE flash SET at = ? WHERE device = ? AND at > ?", (now, device, now)
                )
            times = sorted(min(at, now) for at in times)
        return times
