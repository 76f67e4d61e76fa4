"""Dates of frames that arrived while this machine's clock was wrong.

A gateway without a battery-backed clock may boot in 1970 and collect frames before it reaches a
time server. The time since boot is right meanwhile, so it is stored with each frame. When S3 is
reached the frame's date is computed from it: Unix time of the boot plus seconds since the boot.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tinyops.gateway.database import Database

TOLERANCE = 60.0
"""Seconds that a date may differ from the computed one and stay as it is."""
EARLIEST = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
"""No gateway had frames before; Unix time."""
BOOTS_KEPT = 100

_SCHEMA = """
CREATE TABLE IF NOT EXISTS frame_time (
  number INTEGER PRIMARY KEY, boot TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS boot (id TEXT PRIMARY KEY, at REAL NOT NULL);
"""


@dataclass(frozen=True)
class SinceBoot:
    """A moment that no clock setting moves: the boot's id and seconds since it."""

    boot: str
    seconds: float


def since_boot() -> SinceBoot:
    """This moment, by Linux: see random(4) for boot_id, clock_gettime(2) for CLOCK_BOOTTIME."""
    return SinceBoot(_boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME))


class FrameDates:
    """Used within transactions of the frame queue.

    Parameters
    ----------
    clock
        Unix time in seconds, the best that is known.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        moment: Callable[[], SinceBoot] = since_boot,
    ) -> None:
        self._clock = clock
        self._moment = moment
        database.create(_SCHEMA)

    def stamp(self, change: sqlite3.Connection, number: int) -> None:
        """Store when a frame arrived, in time since boot."""
        moment = self._moment()
        change.execute(
            "INSERT OR REPLACE INTO frame_time VALUES (?, ?, ?)",
            (number, moment.boot, moment.seconds),
        )

    def take_bearings(self, change: sqlite3.Connection) -> None:
        """Store when this boot began by the clock, which S3 has accepted."""
        moment = self._moment()
        change.execute(
            "INSERT OR REPLACE INTO boot VALUES (?, ?)",
            (moment.boot, self._clock() - moment.seconds),
        )
        change.execute(
            "DELETE FROM boot WHERE id NOT IN (SELECT id FROM boot ORDER BY at DESC LIMIT ?)",
            (BOOTS_KEPT,),
        )

    def corrected(self, change: sqlite3.Connection, number: int, received_at: str) -> str:
        """Date of a frame, ISO 8601, after `take_bearings`; `received_at` if that is right."""
        row = change.execute(
            "SELECT boot, seconds FROM frame_time WHERE number = ?", (number,)
        ).fetchone()
        recorded = datetime.fromisoformat(received_at).timestamp()
        known = dict(change.execute("SELECT id, at FROM boot").fetchall())
        this_boot = known[self._moment().boot]
        if row is not None and row[0] in known:
            date = known[row[0]] + row[1]
        else:
            # Of a boot in which S3 was never reached, only that it was before this one.
            date = recorded if EARLIEST < recorded <= this_boot else this_boot
        if abs(date - recorded) <= TOLERANCE:
            return received_at
        return datetime.fromtimestamp(date, UTC).isoformat()

    @staticmethod
    def forget(change: sqlite3.Connection) -> None:
        """Remove the times of frames that have left the queue."""
        change.execute("DELETE FROM frame_time WHERE number NOT IN (SELECT number FROM frame)")


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
