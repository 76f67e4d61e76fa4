"""Which files of frames gateways have sent and monitor has not handled yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import date as date_type
from typing import Self

from tinyops.names import is_name
from tinyops.store import Consumer, Store, layout, receipts

RECENT_DAYS = 1
MOST_DAYS = 400
FUTURE = timedelta(days=30)
"""How far the clock of a gateway may be ahead for its files to be looked at."""

_ID = re.compile(r"(\d{4}-\d{2}-\d{2})_(.+)_(\d{12})")


@dataclass(frozen=True, order=True)
class FrameFile:
    """One file that a gateway has sent; in order of day, gateway and number."""

    date: str
    gateway: str
    seq: int

    @property
    def id(self) -> str:
        """Its name in receipts, in tables and in quarantine. Nothing else makes one."""
        return f"{self.ids_begin(self.date)}{self.gateway}_{self.seq:012d}"

    @staticmethod
    def ids_begin(date: str) -> str:
        """The beginning of the ids of all files of a day."""
        return f"{date}_"

    @classmethod
    def from_id(cls, file_id: str) -> Self:
        """The file that `id` names."""
        found = _ID.fullmatch(file_id)
        if found is None:
            raise ValueError(f"{file_id!r} does not name a file of frames")
        return cls(found[1], found[2], int(found[3]))

    @classmethod
    def at(cls, project: str, key: str) -> Self | None:
        """The file at a key in S3; None where no gateway writes."""
        found = layout.frames_object_parts(project, key)
        return cls(*found) if found and is_name(found[1]) else None

    def key(self, project: str) -> str:
        """Its key in S3."""
        return layout.frames_object(project, self.date, self.gateway, self.seq)


def outstanding_frames(store: Store, project: str, since: str = "") -> list[str]:
    """Return ids of the files without a receipt, in order.

    Parameters
    ----------
    since
        Of this day (YYYY-MM-DD) and later. Of all days, the newest MOST_DAYS that have files and
        are not more than FUTURE ahead are looked at: every one costs two requests, whoever made it.
    """
    found: list[FrameFile] = []
    latest = f"{datetime.now(UTC) + FUTURE:%Y-%m-%d}"
    dates = map(layout.frames_date, store.folders(layout.frames(project)))
    days = [date for date in dates if date and _is_day(date) and since <= date <= latest]
    for day in days[-MOST_DAYS:]:
        keys = [row.key for row in store.objects(layout.frames(project, day))]
        found += (file for file in without_receipt(store, project, keys).values() if file)
    return [file.id for file in sorted(found)]


def without_receipt(store: Store, project: str, keys: Iterable[str]) -> dict[str, FrameFile | None]:
    """Those of the keys whose file of frames monitor has not handled: {key: file}.

    The file is None where a key ends like that of a file of frames and is not in its place: nobody
    has handled that either.
    """
    files = {key: FrameFile.at(project, key) for key in keys if layout.is_frames_object(key)}
    done: set[str] = set()
    for date in {file.date for file in files.values() if file}:
        begin = FrameFile.ids_begin(date)
        done |= receipts.handled(store, project, Consumer.MONITOR, begin)
    return {key: file for key, file in files.items() if file is None or file.id not in done}


def recent_frames(store: Store, project: str) -> list[str]:
    """Outstanding files of today and yesterday: what can be asked every few seconds.

    A file that arrives later than that waits until `tinyops__maintain` looks at all days.
    """
    day = datetime.now(UTC) - timedelta(days=RECENT_DAYS)
    return outstanding_frames(store, project, f"{day:%Y-%m-%d}")


def _is_day(text: str) -> bool:
    try:
        return f"{date_type.fromisoformat(text)}" == text
    except ValueError:
        return False
