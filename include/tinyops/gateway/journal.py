"""The gateway's memory of devices and events: every step is on disk before it is taken.

A change of a device's state and the event that reports it are one transaction, and the event stays
queued until S3 has it. However long S3 is down, the newest EVENTS_KEPT wait for it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args

from tinyops.fleet.event import Event
from tinyops.gateway.database import Database
from tinyops.gateway.log import say

Step = Literal["idle", "flashing", "attesting", "restoring", "verifying"]
STEPS: tuple[Step, ...] = get_args(Step)
EVENTS_KEPT = 10_000
"""About 0.5 kB each."""
VERDICTS_KEPT = 100
"""Images that a device is remembered to have refused, the newest."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS device (
  id TEXT PRIMARY KEY, project TEXT NOT NULL, step TEXT NOT NULL,
  confirmed_version TEXT NOT NULL, confirmed_sha256 TEXT NOT NULL,
  pending_version TEXT NOT NULL, pending_sha256 TEXT NOT NULL,
  failures INTEGER NOT NULL, problem TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS verdict (
  device TEXT NOT NULL, sha256 TEXT NOT NULL, version TEXT NOT NULL, reason TEXT NOT NULL,
  at TEXT NOT NULL, PRIMARY KEY (device, sha256)
);
CREATE TABLE IF NOT EXISTS event (
  number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL
);
"""
_COLUMNS = (
    "id, project, step, confirmed_version, confirmed_sha256, pending_version, pending_sha256, "
    "failures, problem"
)
_FORGET_VERDICTS = """
DELETE FROM verdict WHERE device = ? AND sha256 NOT IN
  (SELECT sha256 FROM verdict WHERE device = ? ORDER BY at DESC LIMIT ?)
"""


@dataclass(frozen=True)
class ImageName:
    """A version and the SHA-256 of its image for the device's target; both empty for none."""

    version: str = ""
    sha256: str = ""

    def __bool__(self) -> bool:
        return bool(self.sha256)


@dataclass(frozen=True)
class DeviceState:
    """Where a device is. `confirmed` has attested; `pending` is on its way.

    `failures` counts tries of this step in a row; `problem` is the last one's message.
    """

    id: str
    project: str
    step: Step = "idle"
    confirmed: ImageName = ImageName()
    pending: ImageName = ImageName()
    failures: int = 0
    problem: str = ""


class Journal:
    """Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_SCHEMA)

    def device(self, device: str, project: str) -> DeviceState:
        """A device's state. A device that was given another project starts anew."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM device WHERE id = ?", (device,))
        if not rows or rows[0][1] != project:
            return DeviceState(device, project)
        row = rows[0]
        return DeviceState(
            row[0], row[1], row[2], ImageName(row[3], row[4]), ImageName(row[5], row[6]), *row[7:]
        )

    def record(self, state: DeviceState, event: Event | None = None, verdict: str = "") -> None:
        """Write a state, with the event that reports it.

        `verdict`: why the pending image may not be tried again on this device; empty for none.
        """
        with self._database.transaction() as change:
            if verdict:
                change.execute(
                    "INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?, ?)",
                    (state.id, state.pending.sha256, state.pending.version, verdict, _now()),
                )
                change.execute(_FORGET_VERDICTS, (state.id, state.id, VERDICTS_KEPT))
                if state.step == "idle":
                    state = replace(state, pending=ImageName())
            change.execute(
                "INSERT OR REPLACE INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    state.id,
                    state.project,
                    state.step,
                    state.confirmed.version,
                    state.confirmed.sha256,
                    state.pending.version,
                    state.pending.sha256,
                    state.failures,
                    state.problem,
                    _now(),
                ),
            )
            if event is not None:
                _queue(change, event)

    def report(self, event: Event) -> None:
        """Queue an event that changes no device."""
        with self._database.transaction() as change:
            _queue(change, event)

    def refused(self, device: str, image: ImageName) -> str:
        """Why this image may not be tried on this device; empty when it may."""
        rows = self._database.rows(
            "SELECT reason FROM verdict WHERE device = ? AND sha256 = ?", (device, image.sha256)
        )
        return str(rows[0][0]) if rows else ""

    def images(self, devices: Collection[str]) -> set[str]:
        """SHA-256 of every image that one of these has confirmed or is about to get."""
        rows = self._database.rows("SELECT id, confirmed_sha256, pending_sha256 FROM device")
        return {sha256 for device, *both in rows if device in devices for sha256 in both if sha256}

    def waiting(self, limit: int = 100) -> list[tuple[int, Event]]:
        """The oldest events that S3 does not have yet, with their numbers."""
        rows = self._database.rows(
            "SELECT number, body FROM event ORDER BY number LIMIT ?", (limit,)
        )
        return [(number, Event(**json.loads(body))) for number, body in rows]

    def waiting_count(self) -> int:
        """How many events S3 does not have yet."""
        return int(self._database.rows("SELECT COUNT(*) FROM event")[0][0])

    def sent(self, number: int) -> None:
        """S3 has this event."""
        with self._database.transaction() as change:
            change.execute("DELETE FROM event WHERE number = ?", (number,))


def _queue(change: sqlite3.Connection, event: Event) -> None:
    body = json.dumps(event.content(), ensure_ascii=False)
    number = change.execute("INSERT INTO event (body) VALUES (?)", (body,)).lastrowid
    assert number is not None
    gone = change.execute("DELETE FROM event WHERE number <= ?", (number - EVENTS_KEPT,)).rowcount
    if gone:
        say("events dropped", warn=True, count=gone, kept=EVENTS_KEPT)


def _now() -> str:
    return datetime.now(UTC).isoformat()
