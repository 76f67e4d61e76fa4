"""The recording format as an Arrow schema, and which foreign types are near enough to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyops.errors import TinyOpsError

if TYPE_CHECKING:
    import pyarrow as pa

REQUIRED = (
    "recording_id",
    "machine_id",
    "device_id",
    "sensor",
    "recorded_at",
    "rate_hz",
    "channels",
    "unit",
    "signal",
)


class ParquetError(TinyOpsError):
    """A file is not Parquet in the recording format; names file and column or row."""


def arrow_schema() -> pa.Schema:
    """One row a recording; `signal` is [channel][sample] in physical units."""
    import pyarrow as pa

    return pa.schema(
        [
            ("recording_id", pa.string()),
            ("machine_id", pa.string()),
            ("device_id", pa.string()),
            ("sensor", pa.string()),
            ("recorded_at", pa.timestamp("us", tz="UTC")),
            ("rate_hz", pa.float64()),
            ("channels", pa.list_(pa.string())),
            ("unit", pa.string()),
            ("signal", pa.list_(pa.list_(pa.float32()))),
            ("label", pa.string()),
            ("conditions", pa.map_(pa.string(), pa.string())),
        ]
    )


def check_schema(found: pa.Schema, name: str) -> None:
    """Refuse a file whose columns are missing, unknown, doubled or of another type.

    Wider floats, `large_` lists and strings and other time resolutions are taken: pandas and polars
    write them, and they are cast on reading.

    Raises
    ------
    ParquetError
        Names the file and every column that is wrong.
    """
    wanted = arrow_schema()
    wrong: list[str] = []
    for column in wanted.names:
        count = found.names.count(column)
        if count == 0:
            wrong.append(f"column {column} is missing")
        elif count > 1:
            wrong.append(f"column {column} is there {count} times")
        elif not _near(found.field(column).type, wanted.field(column).type):
            wrong.append(
                f"column {column} is {found.field(column).type}, not {wanted.field(column).type}"
            )
    wrong += [f"column {column} is unknown" for column in found.names if column not in wanted.names]
    if wrong:
        raise ParquetError(f"{name}: {'; '.join(wrong)}", "write the recording format (docs/data)")


def _near(found: pa.DataType, wanted: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_map(wanted):
        return bool(
            types.is_map(found)
            and _near(found.key_type, wanted.key_type)
            and _near(found.item_type, wanted.item_type)
        )
    if types.is_list(wanted):
        listed = types.is_list(found) or types.is_large_list(found)
        return bool(listed and _near(found.value_type, wanted.value_type))
    if types.is_string(wanted):
        return bool(types.is_string(found) or types.is_large_string(found))
    if types.is_timestamp(wanted):
        return bool(types.is_timestamp(found) and found.tz in ("UTC", "Etc/UTC", "+00:00"))
    return bool(types.is_float32(found) or types.is_float64(found))
