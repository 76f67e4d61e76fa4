"""Binding of a device to its board by chip number and USB serial number, kept in the journal.

Both are bound when the device first attests. Afterwards another board in its place is a stranger,
which is neither written nor asked for frames until a person enrols it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyops.gateway.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS enrolment (
  device TEXT PRIMARY KEY, chip_id TEXT NOT NULL, usb_serial TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class BoardIdentity:
    """Numbers of a board, in hexadecimal and as USB has it; each is empty if it is not known."""

    chip_id: str = ""
    usb_serial: str = ""


class Enrolment:
    """Identity that one device is bound to. Safe to share between threads and processes."""

    def __init__(self, database: Database, device: str) -> None:
        self._database = database
        self.device = device
        database.create(_SCHEMA)

    @property
    def identity(self) -> BoardIdentity:
        """The bound numbers; empty before the first attestation."""
        rows = self._database.rows(
            "SELECT chip_id, usb_serial FROM enrolment WHERE device = ?", (self.device,)
        )
        return BoardIdentity(*rows[0]) if rows else BoardIdentity()

    def bind(self, identity: BoardIdentity) -> None:
        """Add the numbers that are not bound yet."""
        known = self.identity
        merged = BoardIdentity(
            known.chip_id or identity.chip_id, known.usb_serial or identity.usb_serial
        )
        if merged != known:
            with self._database.transaction() as change:
                change.execute(
                    "INSERT OR REPLACE INTO enrolment VALUES (?, ?, ?)",
                    (self.device, merged.chip_id, merged.usb_serial),
                )

    def clear(self) -> BoardIdentity:
        """Let the next board that attests be the device; returns what was bound."""
        known = self.identity
        with self._database.transaction() as change:
            change.execute("DELETE FROM enrolment WHERE device = ?", (self.device,))
        return known
