"""The gateway's SQLite file: a commit survives kill -9 and the loss of power."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinyops.gateway.disk_reserve import DiskReserve
from tinyops.gateway.errors import GatewayError

# How SQLite 3.40 names a disk without room: SQLITE_FULL, SQLITE_IOERR from some file systems,
# SQLITE_CANTOPEN when its write-ahead log cannot be made. SQLITE_READONLY: the kernel mounts a
# failing disk so.
_NO_ROOM = (8, 10, 13, 14)
_CHECKPOINT_PAGES = 256
"""Pages of 4 KiB after which the write-ahead log goes into the database: bounds its size."""


class DiskFull(GatewayError):
    """Nothing can be recorded now; what was recorded stays."""


class Database:
    """Safe to share between threads.

    Parameters
    ----------
    reserve
        Room that is given up for a change on a full disk.

    Raises
    ------
    DiskFull
        The file cannot be made or opened.
    """

    def __init__(self, path: Path, reserve: DiskReserve | None = None) -> None:
        self._path = path
        self._reserve = reserve
        self._lock = threading.Lock()
        self._make_room()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            # FULL: a commit survives the loss of power, not only of the process.
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def create(self, schema: str) -> None:
        """Make the tables that are not there."""
        with self._lock, self._explained():
            self._connection.executescript(schema)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock, self._explained():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block's changes or, when it raises, none.

        Raises
        ------
        DiskFull
            There is no room for them.
        """
        with self._lock, self._explained():
            self._make_room()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _make_room(self) -> None:
        if self._reserve is not None:
            self._reserve.before_write()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            if isinstance(error, sqlite3.OperationalError) and _code(error) not in _NO_ROOM:
                raise
            if self._reserve is not None:
                self._reserve.release()  # for the next try
            raise DiskFull(
                f"{self._path}: {error}",
                f"make room on the disk of {self._path.parent}, or mend it",
            ) from None


def _code(error: sqlite3.OperationalError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
