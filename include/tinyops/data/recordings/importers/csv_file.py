"""CSV: a header, a column of times or a stated rate, and a column a channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tinyops.data.recordings.importers.capture import Capture, ImportRefused
from tinyops.data.recordings.importers.description import Description
from tinyops.data.recordings.importers.table import table_capture

DELIMITERS = ",;\t|"
_HEAD = 4096


def read(path: Path, said: Description) -> Iterator[Capture]:
    """One capture. The delimiter is the one that the header line has most of.

    Raises
    ------
    ImportRefused
        The file is no UTF-8, no table, or has cells that are no numbers: names the row.
    """
    import pyarrow as pa
    from pyarrow import csv

    with path.open("rb") as file:
        header = file.read(_HEAD).split(b"\n")[0]
    names = header.decode(errors="replace").strip()
    delimiter = max(DELIMITERS, key=names.count)
    if _all_numbers(names.split(delimiter)):
        raise ImportRefused(
            f"{path.name}: the first line has numbers only", "put a line of column names first"
        )
    try:
        table = csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(strings_can_be_null=True),
        )
    except (pa.ArrowException, ValueError, OSError) as error:
        raise ImportRefused(
            f"{path.name}: no CSV: {str(error).splitlines()[0][:200]}", "correct that line"
        ) from None
    yield table_capture(table, path, said.time_column)


def _all_numbers(cells: list[str]) -> bool:
    try:
        return bool([float(cell) for cell in cells])
    except ValueError:
        return False
