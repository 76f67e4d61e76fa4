"""Frames on the gateway: on disk before a device may drop them, until S3 has them."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from tinyops.gateway.database import Database
from tinyops.gateway.frame_dates import FrameDates, SinceBoot, since_boot
from tinyops.gateway.frame_order import Position
from tinyops.gateway.log import say
from tinyops.sketches.frames import MOST_RECORDS, FrameRecord, encode_records
from tinyops.store import layout

RECORDS_AN_OBJECT = MOST_RECORDS

_SCHEMA = """
CREATE TABLE IF NOT EXISTS frame (
  number INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, device TEXT NOT NULL,
  record BLOB NOT NULL, object INTEGER
);
CREATE INDEX IF NOT EXISTS frame_object ON frame (object);
CREATE INDEX IF NOT EXISTS frame_device ON frame (device);
CREATE TABLE IF NOT EXISTS last_object (number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS frame_position (
  device TEXT PRIMARY KEY, image TEXT NOT NULL, epoch INTEGER NOT NULL, window INTEGER NOT NULL,
  n INTEGER NOT NULL, frame BLOB NOT NULL, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS frame_count (
  device TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (device, what)
);
"""
_COUNT = """
INSERT INTO frame_count VALUES (?, ?, ?)
ON CONFLICT (device, what) DO UPDATE SET count = count + excluded.count
"""
_SENT, _DROPPED, _REFUSED = "sent", "dropped", "refused: "


@dataclass(frozen=True)
class FrameCounts:
    """What became of a device's frames, since the gateway has its memory."""

    sent: int
    waiting: int
    dropped: int
    refused: dict[str, int]


@dataclass(frozen=True)
class FrameObject:
    """An object on its way to S3. It stays the same, however often it is sent."""

    number: int
    key: str
    content: bytes


class FrameQueue:
    """Safe to share between threads.

    Parameters
    ----------
    gateway
        Its name.
    kept
        How many frames may wait; beyond, the oldest are dropped and counted.
    clock
        Unix time in seconds, the best that is known.
    """

    def __init__(
        self,
        database: Database,
        gateway: str,
        kept: int,
        clock: Callable[[], float] = time.time,
        moment: Callable[[], SinceBoot] = since_boot,
    ) -> None:
        self.clock = clock
        self._database = database
        self._gateway = gateway
        self._kept = kept
        database.create(_SCHEMA)
        self._dates = FrameDates(database, clock, moment)

    def position(self, device: str) -> Position | None:
        """Where the device's accepted frames have got to; None before the first."""
        query = "SELECT image, epoch, window, n, frame FROM frame_position WHERE device = ?"
        rows = self._database.rows(query, (device,))
        return Position(*rows[0]) if rows else None

    def received(self, device: str) -> str:
        """When the last frame was accepted, UTC; empty before the first."""
        rows = self._database.rows("SELECT at FROM frame_position WHERE device = ?", (device,))
        return str(rows[0][0]) if rows else ""

    def add(self, record: FrameRecord, position: Position) -> int:
        """Keep a frame; returns how many older ones had to go for it.

        Raises
        ------
        DiskFull
            It is not kept.
        """
        with self._database.transaction() as change:
            row = change.execute(
                "INSERT INTO frame (project, device, record) VALUES (?, ?, ?)",
                (record.project, record.device, record.pack()),
            )
            assert row.lastrowid is not None
            self._dates.stamp(change, row.lastrowid)
            change.execute(
                "INSERT OR REPLACE INTO frame_position VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    record.device,
                    position.image,
                    position.epoch,
                    position.window,
                    position.n,
                    position.frame,
                    record.received_at,
                ),
            )
            waiting = int(change.execute("SELECT COUNT(*) FROM frame").fetchone()[0])
            # What is in an object may be in S3 already, so it is not dropped.
            oldest = change.execute(
                "SELECT number, device FROM frame WHERE object IS NULL ORDER BY number LIMIT ?",
                (max(waiting - self._kept, 0),),
            ).fetchall()
            for number, device in oldest:
                change.execute("DELETE FROM frame WHERE number = ?", (number,))
                change.execute(_COUNT, (device, _DROPPED, 1))
        return len(oldest)

    def waiting_count(self) -> int:
        """Frames that S3 does not have yet."""
        return int(self._database.rows("SELECT COUNT(*) FROM frame")[0][0])

    def refuse(self, device: str, reason: str) -> int:
        """Count a frame that is not kept; returns how many there were for this reason."""
        with self._database.transaction() as change:
            change.execute(_COUNT, (device, _REFUSED + reason, 1))
            query = "SELECT count FROM frame_count WHERE device = ? AND what = ?"
            return int(change.execute(query, (device, _REFUSED + reason)).fetchone()[0])

    def next_object(self, seal: bool) -> FrameObject | None:
        """The oldest object that S3 does not have; with `seal`, one is made of what waits.

        A frame's object is decided once and for all, so that an object which is sent again after
        a crash has the same name and bytes.
        """
        rows = self._database.rows("SELECT MIN(object) FROM frame")
        number = rows[0][0] or (self._seal() if seal else None)
        if number is None:
            return None
        found = self._database.rows(
            "SELECT record FROM frame WHERE object = ? ORDER BY number", (number,)
        )
        records = [FrameRecord.unpack(record) for (record,) in found]
        date = records[0].received_at[: len("YYYY-MM-DD")]
        key = layout.frames_object(records[0].project, date, self._gateway, number)
        return FrameObject(number, key, encode_records(records))

    def sent(self, number: int) -> None:
        """S3 has this object."""
        with self._database.transaction() as change:
            rows = change.execute("SELECT device FROM frame WHERE object = ?", (number,)).fetchall()
            for device, count in Counter(device for (device,) in rows).items():
                change.execute(_COUNT, (device, _SENT, count))
            change.execute("DELETE FROM frame WHERE object = ?", (number,))
            self._dates.forget(change)

    def counts(self, device: str) -> FrameCounts:
        """What became of a device's frames."""
        rows = self._database.rows(
            "SELECT what, count FROM frame_count WHERE device = ?", (device,)
        )
        found = dict(rows)
        waiting = self._database.rows("SELECT COUNT(*) FROM frame WHERE device = ?", (device,))
        return FrameCounts(
            sent=found.get(_SENT, 0),
            waiting=int(waiting[0][0]),
            dropped=found.get(_DROPPED, 0),
            refused={
                what.removeprefix(_REFUSED): count
                for what, count in sorted(found.items())
                if what.startswith(_REFUSED)
            },
        )

    def _seal(self) -> int | None:
        with self._database.transaction() as change:
            query = "SELECT project FROM frame WHERE object IS NULL ORDER BY number LIMIT 1"
            oldest = change.execute(query).fetchone()
            if oldest is None:
                return None
            last = change.execute("SELECT MAX(number) FROM last_object").fetchone()[0] or 0
            # By the clock, so that a gateway that has lost its memory overwrites no object.
            number = max(last + 1, int(self.clock() * 100))
            change.execute("DELETE FROM last_object")
            change.execute("INSERT INTO last_object VALUES (?)", (number,))
            change.execute(
                "UPDATE frame SET object = ? WHERE number IN (SELECT number FROM frame "
                "WHERE project = ? AND object IS NULL ORDER BY number LIMIT ?)",
                (number, *oldest, RECORDS_AN_OBJECT),
            )
            self._correct_dates(change, number)
        return number

    def _correct_dates(self, change: sqlite3.Connection, number: int) -> None:
        """Date the frames of a new object; S3 was just reached, so the clock is known."""
        self._dates.take_bearings(change)
        query = "SELECT number, record FROM frame WHERE object = ?"
        corrected = 0
        for frame, packed in change.execute(query, (number,)).fetchall():
            record = FrameRecord.unpack(packed)
            date = self._dates.corrected(change, frame, record.received_at)
            if date != record.received_at:
                corrected += 1
                change.execute(
                    "UPDATE frame SET record = ? WHERE number = ?",
                    (replace(record, received_at=date).pack(), frame),
                )
        if corrected:
            say("frames dated anew", count=corrected, object=number)
