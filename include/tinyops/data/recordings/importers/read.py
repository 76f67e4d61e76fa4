"""Which reader takes which file, and the recordings that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tinyops.data.recordings.importers import csv_file, edge_impulse, mat, npz, parquet_file, wav
from tinyops.data.recordings.importers.capture import LIMIT_BYTES, Capture, ImportRefused
from tinyops.data.recordings.importers.describe import describe
from tinyops.data.recordings.importers.description import Description
from tinyops.data.recordings.parquet import read_recordings
from tinyops.data.recordings.recording import Recording
from tinyops.data.recordings.schema import ParquetError
from tinyops.projects import Project

_READERS: dict[str, Callable[[Path, Description], Iterator[Capture]]] = {
    ".csv": csv_file.read,
    ".wav": wav.read,
    ".npz": npz.read,
    ".mat": mat.read,
    ".parquet": parquet_file.read,
    ".json": edge_impulse.read,
    ".cbor": edge_impulse.read,
}
SUFFIXES = tuple(_READERS)


def import_file(path: Path, said: Description, project: Project) -> Iterator[Recording]:
    """The recordings of one file, one in memory at a time.

    Raises
    ------
    ImportRefused
        The file cannot be read or described; the message names it and says what is missing.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ImportRefused(
            f"{path.name}: unknown kind of file", f"give one of: {', '.join(SUFFIXES)}"
        )
    size = path.stat().st_size
    if not size:
        raise ImportRefused(f"{path.name}: is empty", "send the file again")
    if size > LIMIT_BYTES:
        raise ImportRefused(
            f"{path.name}: {size:,} bytes, at most {LIMIT_BYTES:,} are read",
            "cut it into several files",
        )
    if path.suffix.lower() == ".parquet" and parquet_file.holds_recordings(path):
        try:
            yield from read_recordings(path)
        except ParquetError as error:
            raise ImportRefused(error.message, error.fix) from None
        return
    for capture in reader(path, said):
        yield describe(capture, said, project, path)
