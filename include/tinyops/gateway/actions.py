"""Manual steps that devices wait for, kept in the journal's database.

An action stands until its cause is gone, also over a restart, and is reported by one event.
"""

from __future__ import annotations

from typing import Literal

from tinyops.gateway.database import Database

Cause = Literal["unresponsive", "flash budget", "strange board"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS action (
  device TEXT NOT NULL, cause TEXT NOT NULL, what TEXT NOT NULL, PRIMARY KEY (device, cause)
);
"""


class Actions:
    """Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_SCHEMA)

    def of(self, device: str) -> dict[str, str]:
        """Actions that a device waits for, by cause."""
        rows = self._database.rows(
            "SELECT cause, what FROM action WHERE device = ? ORDER BY cause", (device,)
        )
        return {str(cause): str(what) for cause, what in rows}

    def need(self, device: str, cause: Cause, what: str) -> bool:
        """Record an action; returns True if the device did not wait for this cause yet."""
        known = self.of(device).get(cause)
        if known != what:
            with self._database.transaction() as change:
                change.execute(
                    "INSERT OR REPLACE INTO action VALUES (?, ?, ?)", (device, cause, what)
                )
        return known is None

    def end(self, device: str, *causes: Cause) -> None:
        """Remove actions whose cause is gone; harmless if there are none."""
        for cause in self.of(device).keys() & set(causes):
            with self._database.transaction() as change:
                change.execute("DELETE FROM action WHERE device = ? AND cause = ?", (device, cause))
