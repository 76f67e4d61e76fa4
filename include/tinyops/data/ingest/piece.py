"""A file of a batch, fetched, checked against `batch.json` and measured: what the gate works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinyops.data.ingest.batch import FILE_BYTES, Batch, BatchFile, BatchRefused
from tinyops.data.ingest.readable import require_readable
from tinyops.data.quality.measure import measure
from tinyops.data.recordings.parquet import in_own_form, read_batches, read_rows, write_batches
from tinyops.file_hash import file_sha256
from tinyops.projects import Project
from tinyops.store import ObjectMissing, Store, layout


@dataclass(frozen=True, eq=False)
class Piece:
    """A Parquet file in our own form, of bounded size, with what is known of each of its rows.

    Parameters
    ----------
    entries
        One for each row, see `measure.measure`.
    path
        The file on this disk, or None where it would only take up room.
    key, etag
        Where it lies in S3, and the mark that it had there when its hash was taken; or "".
    """

    sha256: str
    size: int
    entries: list[dict[str, Any]]
    path: Path | None = None
    key: str = ""
    etag: str = ""

    def fetched(self, store: Store, folder: Path) -> Path:
        """The file on this disk.

        Raises
        ------
        BatchRefused
            It is not any more what was measured.
        """
        if self.path is not None:
            return self.path
        path = store.download(self.key, folder / f"{self.sha256}.parquet")
        if file_sha256(path) != self.sha256:
            raise self.changed
        return path

    def copied(self, store: Store, key: str) -> None:
        """Put the file under another key, from this disk or within S3; errors as in `fetched`."""
        if self.path is not None:
            store.upload(self.path, key)
            return
        store.copy(self.key, key)
        if store.etag(self.key) != self.etag:
            store.delete(key)
            raise self.changed

    @property
    def changed(self) -> BatchRefused:
        """The error that says so."""
        return BatchRefused(f"{self.key} was changed while it was read", "publish it again")


def measured(
    store: Store, project: Project, ready: Batch, file: BatchFile, folder: Path
) -> list[Piece]:
    """Fetch a file of a batch and measure it, a few megabytes in memory at a time.

    It is one piece as it is; in another form than ours (foreign types, large row groups, a large
    file) it is rewritten as one or several, that are on the disk alone.

    Raises
    ------
    BatchRefused, ParquetError
        The file is missing, not what `batch.json` says, or cannot be read.
    """
    key = layout.batch_recordings(project.name, ready.batch, file.name)
    path, etag = _fetch(store, key, file, folder)
    require_readable(path)
    if in_own_form(path, FILE_BYTES):
        entries = list(measure(read_rows(path), project))
        pieces = [Piece(file.sha256, file.size, entries, path, key, etag)]
    else:
        pieces = list(_rewritten(path, project, folder))
        path.unlink()
    rows = sum(len(piece.entries) for piece in pieces)
    if rows != file.count:
        raise BatchRefused(
            f"batch.json says {file.count} recordings, the file holds {rows}", "publish it again"
        )
    if len(ready.files) > 1:
        pieces = [_without_file(piece) if piece.key else piece for piece in pieces]
    return pieces


def _fetch(store: Store, key: str, file: BatchFile, folder: Path) -> tuple[Path, str]:
    try:
        etag = store.etag(key)
        path = store.download(key, folder / file.name)
    except ObjectMissing:
        raise BatchRefused(
            f"there is a batch.json but no {file.name}", "publish it again"
        ) from None
    size = path.stat().st_size
    if size != file.size or file_sha256(path) != file.sha256:
        raise BatchRefused(
            f"{file.name} is not what batch.json says: {size} of {file.size} bytes, "
            "or other content",
            "the upload was cut short or changed; publish it again",
        )
    return path, etag


def _rewritten(path: Path, project: Project, folder: Path) -> Iterator[Piece]:
    for part in write_batches(read_batches(path), folder / "rewritten", FILE_BYTES):
        yield piece_of(part, project)


def piece_of(path: Path, project: Project) -> Piece:
    """The piece that a file of our own form is, on this disk alone."""
    entries = list(measure(read_rows(path), project))
    return Piece(file_sha256(path), path.stat().st_size, entries, path)


def _without_file(piece: Piece) -> Piece:
    assert piece.path is not None
    piece.path.unlink()
    return replace(piece, path=None)
