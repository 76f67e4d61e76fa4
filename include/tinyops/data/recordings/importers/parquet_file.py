"""Parquet: recordings in our own format as they are, or a plain table like a CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tinyops.data.recordings.importers.capture import LIMIT_BYTES, Capture, ImportRefused
from tinyops.data.recordings.importers.description import Description
from tinyops.data.recordings.importers.table import table_capture
from tinyops.data.recordings.schema import arrow_schema


def holds_recordings(path: Path) -> bool:
    """Whether the file has the columns of the recording format."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return set(arrow_schema().names) <= set(parquet.read_schema(path).names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportRefused(
            f"{path.name}: no Parquet: {str(error).splitlines()[0][:200]}", "send the file again"
        ) from None


def read(path: Path, said: Description) -> Iterator[Capture]:
    """One capture of a plain table.

    Raises
    ------
    ImportRefused
        The file is damaged, too large, or no table of numbers.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, len(file.schema_arrow)
            if rows * columns * 8 > LIMIT_BYTES:
                raise ImportRefused(
                    f"{path.name}: {rows:,} rows of {columns} columns are more than "
                    f"{LIMIT_BYTES:,} bytes",
                    "cut it into several files",
                )
            table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ImportRefused(
            f"{path.name}: no Parquet: {str(error).splitlines()[0][:200]}", "send the file again"
        ) from None
    yield table_capture(table, path, said.time_column)
