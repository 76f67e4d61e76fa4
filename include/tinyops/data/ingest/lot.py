"""Foreign files of a batch become pieces of recordings; a bad file costs only itself."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tinyops.data.ingest.batch import FILE_BYTES, Batch
from tinyops.data.ingest.forgotten import among, entries
from tinyops.data.ingest.originals import Lot, Original
from tinyops.data.ingest.piece import Piece, piece_of
from tinyops.data.ingest.without_machines import machines_of
from tinyops.data.recordings.importers import Description, ImportRefused
from tinyops.data.recordings.importers.capture import LIMIT_BYTES
from tinyops.data.recordings.importers.confined import import_to
from tinyops.data.recordings.importers.description import FILE_TIME, description_of
from tinyops.data.recordings.parquet import read_batches, write_batches
from tinyops.errors import TinyOpsError
from tinyops.file_hash import file_sha256
from tinyops.projects import Project
from tinyops.store import ObjectMissing, Store, StoreError, layout

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class RefusedFile:
    """A foreign file that gave no recordings: its key below the batch's folder, and its path."""

    name: str
    path: str
    reason: str
    fix: str
    forgotten: bool = False
    """It holds recordings of a machine that was forgotten: ingest removes it."""


def imported(
    store: Store, project: Project, ready: Batch, lot: Lot, folder: Path
) -> tuple[list[Piece], list[RefusedFile]]:
    """Fetch and import foreign files, one at a time, each in a child; measure what they hold.

    The recordings are on this disk alone, small files' together. A file that holds recordings of a
    machine that was forgotten is refused, and nothing is said that may name the machine.

    Raises
    ------
    StoreError
        S3 refuses or does not answer: says nothing about the files.
    """
    sizes = {row.key: row.size for row in store.objects(layout.incoming(project.name, ready.batch))}
    forgotten = entries(store, project.name)
    parts: list[Path] = []
    refused: list[RefusedFile] = []
    for number, original in enumerate(lot.originals):
        scratch, part = folder / f"file-{number}", folder / f"imported-{number}.parquet"
        scratch.mkdir(parents=True)
        try:
            said = description_of({**lot.said, **original.said})
            path = _fetch(store, project, ready, original, said, sizes, scratch)
            import_to(path, said, project, part)
            if among(forgotten, machines_of(part)):
                part.unlink()
                refused.append(_forgotten(original))
            else:
                parts.append(part)
        except StoreError:
            raise
        except TinyOpsError as error:
            path_said = ascii(original.path or original.name)[1:-1][:400]
            refused.append(RefusedFile(original.name, path_said, error.message, error.fix))
        shutil.rmtree(scratch)
    joined = folder / "imported"
    joined.mkdir()
    files = write_batches(_rows(parts), joined, FILE_BYTES)
    return [piece_of(file, project) for file in files], refused


def _forgotten(original: Original) -> RefusedFile:
    return RefusedFile(
        original.name,
        path="",
        reason="holds recordings of a machine that was forgotten: it was removed",
        fix="send others without them",
        forgotten=True,
    )


def _fetch(
    store: Store,
    project: Project,
    ready: Batch,
    original: Original,
    said: Description,
    sizes: Mapping[str, int],
    scratch: Path,
) -> Path:
    local = original.local_path()
    key = layout.batch_original(project.name, ready.batch, original.name)
    size = sizes.get(key)
    if size is None:
        raise ImportRefused(f"{local.name}: is not in the batch's folder", "publish it again")
    if size != original.size:
        raise ImportRefused(
            f"{local.name}: has {size:,} of {original.size:,} bytes",
            "the upload was cut short or changed; publish it again",
        )
    if size > LIMIT_BYTES:
        raise ImportRefused(
            f"{local.name}: {size:,} bytes, at most {LIMIT_BYTES:,} are read",
            "cut it into several files",
        )
    try:
        path = store.download(key, scratch / local)
    except ObjectMissing:
        raise ImportRefused(f"{local.name}: is gone", "publish it again") from None
    if file_sha256(path) != original.sha256:
        raise ImportRefused(
            f"{local.name}: its content is not what batch.json says",
            "the upload was cut short or changed; publish it again",
        )
    if said.recorded_at == FILE_TIME:
        at = _modified(original, local.name)
        os.utime(path, times=(at, at))
    return path


def _modified(original: Original, name: str) -> float:
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat(original.modified_at)
        if at.tzinfo is not None:
            return at.timestamp()
    raise ImportRefused(
        f"{name}: batch.json does not say when it was changed (modified_at)",
        "give an ISO 8601 time with a zone, or another recorded_at",
    )


def _rows(parts: list[Path]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        yield from read_batches(part)
        part.unlink()
