"""Divide files of recordings into those that go on and those that are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyops.data.datasets.index import IndexRow
from tinyops.data.ingest.piece import Piece
from tinyops.data.recordings.parquet import parquet_writer, read_batches
from tinyops.file_hash import file_sha256
from tinyops.store import Store


@dataclass(frozen=True, eq=False)
class Divided:
    """The accepted recordings as pieces with their index, and a file of the refused, if any."""

    good: tuple[tuple[Piece, tuple[IndexRow, ...]], ...]
    bad: Path | None


def divide(
    store: Store,
    pieces: Iterable[Piece],
    refused: Collection[int],
    index: Sequence[IndexRow],
    folder: Path,
) -> Divided:
    """Leave a piece that is good as it is, and rewrite one that holds something bad.

    Parameters
    ----------
    refused
        Rows that may not go on, numbered through all pieces.
    index
        Of the other rows, in their order.
    """
    good: list[tuple[Piece, tuple[IndexRow, ...]]] = []
    bad: list[Path] = []
    rest = iter(index)
    start = 0
    for number, piece in enumerate(pieces):
        rows = range(len(piece.entries))
        wrong = {row for row in rows if start + row in refused}
        start += len(rows)
        kept = piece
        if wrong:
            target, left = folder / f"good-{number}.parquet", folder / f"bad-{number}.parquet"
            source = piece.fetched(store, folder)
            divide_rows(source, wrong, target, left)
            source.unlink()
            bad.append(left)
            if len(wrong) < len(rows):
                entries = [piece.entries[row] for row in rows if row not in wrong]
                size = target.stat().st_size
                kept = Piece(file_sha256(target), size, entries, target)
        if len(wrong) < len(rows):
            good.append((kept, tuple(next(rest) for _ in kept.entries)))
    return Divided(tuple(good), _joined(bad, folder / "refused.parquet"))


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


def _joined(files: list[Path], target: Path) -> Path | None:
    if len(files) < 2:
        return files[0] if files else None
    with parquet_writer(target) as writer:
        for file in files:
            for batch in read_batches(file):
                writer.write_batch(batch)
            file.unlink()
    return target
