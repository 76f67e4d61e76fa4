"""Which files of frames gateways have sent and monitor has not handled yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import date as date_type
from typing import Self

from tinyops.store import Store, layout, receipts

CONSUMER = "monitor"
RECENT_DAYS = 1
ASIDE = "frames-"
"""Before a file's id: its folder in quarantine."""

_KEY = re.compile(
    r"date=(\d{4}-\d{2}-\d{2})/gateway=([A-Za-z0-9][A-Za-z0-9._=-]{0,99})/(\d{12})\.bin\.zst"
)
_ID = re.compile(r"(\d{4}-\d{2}-\d{2})_(.+)_(\d{12})")


@dataclass(frozen=True, order=True)
class FrameFile:
    """One file that a gateway has sent; in order of day, gateway and number."""

    date: str
    gateway: str
    seq: int

    @property
    def id(self) -> str:
        """Its name in receipts and in quarantine."""
        return f"{self.date}_{self.gateway}_{self.seq:012d}"

    @classmethod
    def from_id(cls, file_id: str) -> Self:
        """The file that `id` names."""
        found = _ID.fullmatch(file_id)
        if found is None:
            raise ValueError(f"{file_id!r} does not name a file of frames")
        return cls(found[1], found[2], int(found[3]))

    def key(self, project: str) -> str:
        """Its key in S3."""
        return layout.frames_object(project, self.date, self.gateway, self.seq)


def outstanding_frames(store: Store, project: str, since: str = "") -> list[str]:
    """Ids of the files without a receipt, of the days from `since` (YYYY-MM-DD) on, in order."""
    found: list[FrameFile] = []
    for folder in store.folders(layout.frames(project)):
        date = folder.removeprefix("date=")
        if _is_day(date) and date >= since:
            sent = list(_files(store, project, date))
            done = receipts.handled(store, project, CONSUMER, date) if sent else set()
            found += (file for file in sent if file.id not in done)
    return [file.id for file in sorted(found)]


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


def _files(store: Store, project: str, date: str) -> Iterator[FrameFile]:
    prefix = layout.frames(project)
    for row in store.objects(layout.frames(project, date)):
        if found := _KEY.fullmatch(row.key.removeprefix(prefix)):
            yield FrameFile(found[1], found[2], int(found[3]))
