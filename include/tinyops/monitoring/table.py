"""Accepted frames as Parquet tables: one for each day and gateway, rewritten as frames come in.

Tables lie apart from the files that they are made of: gateways may write files, not tables. A row
has what the gateway reported with a frame, the file that it came in, and its counts, so that any
tool can read them. A table is replaced by one that holds more and then removed.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.sketches.frames import FRAME_BYTES, FrameRecord
from tinyops.store import ObjectMissing, Store, layout

if TYPE_CHECKING:
    import pyarrow as pa

_RECORD = [field.name for field in fields(FrameRecord)]
_ATTEMPTS = 5

PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Row:
    """A frame and the file that it came in (`FrameFile.id`)."""

    record: FrameRecord
    file: str

    @property
    def folder(self) -> tuple[str, str]:
        """Day and gateway of the file."""
        file = FrameFile.from_id(self.file)
        return file.date, file.gateway

    @property
    def place(self) -> tuple[str, int, int]:
        """Sorts the frames of a project: device, epoch, window."""
        return (self.record.device, self.record.epoch, self.record.window)


def read_frames(store: Store, project: str, device: str = "", since: str = "") -> list[FrameRecord]:
    """Accepted frames in order of device, epoch and window, each once.

    Parameters
    ----------
    device
        Of this device only; "" for all.
    since
        Received on or after this day (YYYY-MM-DD, UTC).
    """
    rows = read_rows(store, project, since=since)
    once = {row.place: row.record for row in sorted(rows, key=lambda row: row.place)}
    return [record for record in once.values() if device in ("", record.device)]


def read_rows(store: Store, project: str, gateway: str = "", since: str = "") -> list[Row]:
    """The rows of all tables of these days, or of those of one gateway; in no order.

    A row may come twice while a table is being replaced.
    """
    dates = map(layout.frames_date, store.folders(layout.frame_tables(project)))
    return [
        row
        for date in dates
        if date is not None and date >= since
        for row in read_folder(store, project, date, gateway)
    ]


def replace_table(
    store: Store, project: str, date: str, gateway: str, rows: Iterable[Row]
) -> tuple[str, list[str]]:
    """Write all rows of a day and gateway as one table: (its key, keys of those it replaces)."""
    ordered = sorted(rows, key=lambda row: row.place)
    numbers = [FrameFile.from_id(row.file).seq for row in ordered]
    key = layout.frames_table(project, date, gateway, min(numbers), max(numbers))
    old = [one for one in table_keys(store, project, date, gateway) if one != key]
    store.put(key, to_parquet(_with_counts(record_table(ordered), ordered)), PARQUET)
    return key, old


def record_table(rows: list[Row]) -> pa.Table:
    """One row per frame as its gateway has sent it: the columns `file` and those of FrameRecord."""
    import pyarrow as pa

    kinds = {"str": pa.string(), "int": pa.int64(), "bool": pa.bool_()}
    kinds["bytes"] = pa.binary(FRAME_BYTES)
    columns = {"file": pa.array([row.file for row in rows], pa.string())}
    for field in fields(FrameRecord):
        values = [getattr(row.record, field.name) for row in rows]
        columns[field.name] = pa.array(values, kinds[str(field.type)])
    return pa.table(columns)


def to_parquet(table: pa.Table) -> bytes:
    """A table as the content of a Parquet file."""
    from pyarrow import parquet

    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def read_folder(store: Store, project: str, date: str, gateway: str = "") -> list[Row]:
    """The rows of all tables of a day; tables that are replaced meanwhile are read again."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            keys = table_keys(store, project, date, gateway)
            return [row for key in keys for row in _read(store, key)]
        except ObjectMissing:
            # Replaced between the listing and the look: the next listing names its successor.
            if not left:
                raise
    raise AssertionError


def table_keys(store: Store, project: str, date: str, gateway: str = "") -> list[str]:
    """Keys of all tables of a day, or of those of one gateway."""
    rows = store.objects(layout.frame_tables(project, date, gateway))
    return [row.key for row in rows if layout.is_frames_table(project, row.key)]


def _read(store: Store, key: str) -> list[Row]:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(store.get(key)), columns=["file", *_RECORD])
    rows = table.to_pylist()
    return [Row(file=row.pop("file"), record=FrameRecord(**row)) for row in rows]


def _with_counts(table: pa.Table, rows: list[Row]) -> pa.Table:
    import pyarrow as pa

    sketches = [row.record.sketch() for row in rows]
    counts = pa.list_(pa.uint8())
    kinds = {"n": pa.uint8(), "flags": pa.uint8(), "histograms": pa.list_(counts)}
    kinds |= {name: counts for name in ("out_of_range", "confidence", "classes")}
    for name, kind in kinds.items():
        values = [getattr(sketch, name) for sketch in sketches]
        table = table.append_column(name, pa.array(values, kind))
    return table
