"""Divide a file of recordings into those that go on and those that are refused."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tinyops.data.parquet import parquet_writer, read_batches


def divide_rows(source: Path, refused: Collection[int], accepted: Path, rest: Path) -> None:
    """Copy rows as they are, also those that are no recording.

    A file is written only when it gets rows. The same input always gives the same bytes.
    """
    import pyarrow as pa

    first = 0
    with ExitStack() as stack:
        writers: dict[Path, Any] = {}
        for batch in read_batches(source):
            bad = [first + index in refused for index in range(batch.num_rows)]
            for path, mask in ((accepted, [not flag for flag in bad]), (rest, bad)):
                if any(mask):
                    if path not in writers:
                        writers[path] = stack.enter_context(parquet_writer(path))
                    writers[path].write_batch(batch.filter(pa.array(mask)))
            first += batch.num_rows
