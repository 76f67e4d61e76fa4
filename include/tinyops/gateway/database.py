"""The gateway's SQLite file: a commit survives kill -9 and the loss of power."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinyops.gateway.errors import GatewayError

# How SQLite 3.40 names a disk without room: SQLITE_FULL, or SQLITE_IOERR from some file systems.
_NO_ROOM = (10, 13)


class DiskFull(GatewayError):
    """Nothing can be recorded now; what was recorded stays."""


class Database:
    """Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # FULL: a commit survives the loss of power, not only of the process.
        self._connection.execute("PRAGMA synchronous=FULL")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def create(self, schema: str) -> None:
        """Make the tables that are not there."""
        with self._lock:
            self._connection.executescript(schema)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block's changes or, when it raises, none.

        Raises
        ------
        DiskFull
            There is no room for them.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and _code(error) in _NO_ROOM:
                    raise DiskFull(
                        f"{self._path}: {error}",
                        f"make room on the disk of {self._path.parent}, or mend it",
                    ) from None
                raise


def _code(error: sqlite3.OperationalError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
