"""Rows of named columns with a column of times: CSV, and Parquet that is not in our format."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tinyops.data.recordings.importers.capture import Capture, ImportRefused, numbers
from tinyops.data.recordings.importers.timing import steady_rate

if TYPE_CHECKING:
    import pyarrow as pa

# Column -> how long one of its units is, in seconds. A column of times of day needs no unit.
TIME_COLUMNS = {
    "time": 1.0,
    "t": 1.0,
    "time_s": 1.0,
    "seconds": 1.0,
    "timestamp": None,
    "datetime": None,
    "time_ms": 1e-3,
    "timestamp_ms": 1e-3,
    "time_us": 1e-6,
    "timestamp_us": 1e-6,
}
_TICKS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def table_capture(table: pa.Table, path: Path, time_column: str = "") -> Capture:
    """The capture that a table holds: every other column of numbers is a channel.

    Parameters
    ----------
    time_column
        Name of the column of times; by default one of TIME_COLUMNS. Numbers in it are seconds
        unless the name ends in _ms, _us or _ns; a plain `timestamp` of numbers is refused, since
        some write seconds there and some milliseconds.

    Raises
    ------
    ImportRefused
        Nothing is a channel, a cell is empty, or times do not increase.
    """
    try:
        names = table.column_names
    except UnicodeDecodeError:
        raise ImportRefused(
            f"{path.name}: a column name is invalid UTF-8", "save the file as UTF-8"
        ) from None
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ImportRefused(f"{path.name}: column {twice[0]} is there twice", "rename one of them")
    column = time_column or next((n for n in names if n.lower() in TIME_COLUMNS), "")
    if column and column not in names:
        raise ImportRefused(f"{path.name}: no column {column!r}", f"it has: {', '.join(names)}")
    channels = tuple(name for name in names if name != column)
    for name in channels:
        if table[name].null_count:
            raise ImportRefused(
                f"{path.name}: column {name} has {table[name].null_count} empty cells",
                "fill or remove those rows",
            )
    if not channels or not table.num_rows:
        raise ImportRefused(f"{path.name}: no samples", "give rows of numbers below a header")
    rows = (numbers(_cells(table, name, path), f"{path.name}: {name}") for name in channels)
    samples = np.stack(list(rows))
    if not column:
        return Capture(samples, channels)
    times, start = _seconds(table, column, path)
    rate, steady = steady_rate(times, path.name)
    return Capture(
        samples,
        channels,
        rate_hz=rate,
        recorded_at=start,
        times=None if steady else times - times[0],
    )


def _cells(table: pa.Table, name: str, path: Path) -> npt.NDArray:
    try:
        return table[name].to_numpy()
    except UnicodeDecodeError:
        raise ImportRefused(
            f"{path.name}: column {name} has cells of invalid UTF-8", "keep columns of numbers"
        ) from None


def _seconds(
    table: pa.Table, column: str, path: Path
) -> tuple[npt.NDArray[np.float64], datetime | None]:
    import pyarrow as pa

    values = table[column]
    if pa.types.is_timestamp(values.type):
        if values.null_count:
            raise ImportRefused(f"{path.name}: {column} has empty cells", "remove those rows")
        tick = _TICKS[values.type.unit]
        whole = values.cast(pa.int64()).to_numpy()
        # From the first one on: a float64 of nanoseconds since 1970 has steps of 256 ns.
        return (whole - whole[0]) * tick, _zoned(whole[0] * tick, path) if values.type.tz else None
    unit = TIME_COLUMNS.get(column.lower()) or _TICKS.get(column.lower().rpartition("_")[2])
    if unit is None:
        raise ImportRefused(
            f"{path.name}: nothing says whether {column} counts seconds or milliseconds",
            f"rename the column to {column}_s, _ms or _us",
        )
    return numbers(_cells(table, column, path), f"{path.name}: {column}") * unit, None


def _zoned(seconds: float, path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise ImportRefused(
            f"{path.name}: its first time stamp is no date", "correct the column of times"
        ) from None
