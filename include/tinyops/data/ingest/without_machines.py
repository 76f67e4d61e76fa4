"""Take the recordings of machines out of a Parquet file or a batch."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tinyops.data.ingest.batch import batch_sha256
from tinyops.data.ingest.divide import divide_rows
from tinyops.data.recordings.parquet import ParquetError, write_recordings
from tinyops.file_hash import file_sha256
from tinyops.store import ObjectMissing, Store, layout

_WHOLE = ("sha256", "size", "count")


def _has_machines(path: Path) -> bool:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return {"machine_id", "recording_id"} <= set(parquet.read_schema(path).names)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ParquetError(f"{path.name}: cannot be read: {first}", "remove it") from None


def _column(path: Path, name: str) -> list[str | None]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        names: list[str | None] = parquet.read_table(path, columns=[name]).column(name).to_pylist()
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ParquetError(f"{path.name}: {name} cannot be read: {first}", "remove it") from None
    return names


def machines_of(path: Path) -> set[str]:
    """The machines whose recordings a file holds.

    Raises
    ------
    ParquetError
        The file cannot be read as recordings.
    """
    return {name for name in _column(path, "machine_id") if name}


def file_without(path: Path, machines: Collection[str], target: Path) -> int:
    """Write the other rows of a file to `target` (none of it is written without them).

    Returns
    -------
    int
        How many rows were left out; 0 leaves `target` unwritten too.

    Raises
    ------
    ParquetError
        The file cannot be read as recordings.
    """
    rows = [row for row, name in enumerate(_column(path, "machine_id")) if name in machines]
    if rows:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="without-") as folder:
            divide_rows(path, frozenset(rows), target, Path(folder) / "left-out.parquet")
    return len(rows)


def batch_without(store: Store, project: str, batch: str, machines: Collection[str]) -> int:
    """Rewrite a batch in `incoming/` without the recordings of these machines.

    New files come first, then `batch.json` names them, then the old ones go: cut off anywhere, the
    batch is whole, and a repetition ends what was begun. Returns how many recordings it takes out.

    Raises
    ------
    ParquetError
        A file cannot be read as recordings; nothing has been changed then.
    ObjectMissing
        There is no such batch.
    """
    key = layout.batch_ready(project, batch)
    content: dict[str, Any] = store.get_json(key)
    first = {"name": layout.batch_file(1)} | {name: content[name] for name in _WHOLE}
    files: list[dict[str, Any]] = []
    removed = 0
    with tempfile.TemporaryDirectory(prefix="tinyops-without-") as folder:
        for number, file in enumerate(content.get("files") or [first]):
            there = layout.batch_recordings(project, batch, file["name"])
            try:
                path = store.download(there, Path(folder) / "file.parquet")
            except ObjectMissing:
                files.append(file)  # Ingest has refused the batch for it.
                continue
            target = Path(folder) / f"{number}.parquet"
            taken = file_without(path, machines, target)
            removed += taken
            if not taken:
                files.append(file)
            elif target.exists():
                files.append(_upload(store, project, batch, target, file["count"] - taken))
        if removed and not files:
            empty = Path(folder) / "empty.parquet"
            write_recordings(empty, ())
            files.append(_upload(store, project, batch, empty, 0))
    if removed:
        store.put_json(key, _renewed(content, files, removed))
    kept = {layout.batch_recordings(project, batch, file["name"]) for file in files} | {key}
    folder_key = layout.incoming(project, batch)
    for row in list(store.objects(folder_key)):
        # Files that were named before, and what a run left that was cut off.
        own = layout.is_batch_file(layout.below(folder_key, row.key) or "")
        if own and row.key not in kept:
            store.delete(row.key)
    return removed


def originals_without(store: Store, project: str, batch: str, names: Collection[str]) -> None:
    """Remove foreign files of a batch, and what `batch.json` says of them: a path names a machine.

    `batch.json` goes first: cut off in between, the files are of no batch and hold up nothing.
    """
    key = layout.batch_ready(project, batch)
    content: dict[str, Any] = store.get_json(key)
    left = [one for one in content["originals"] if one["name"] not in names]
    said = content["said"] if left else {}
    forgotten = content.get("forgotten", 0) + len(names)
    store.put_json(key, content | {"originals": left, "said": said, "forgotten": forgotten})
    for name in names:
        store.delete(layout.batch_original(project, batch, name))


def remove_files(store: Store, project: str, batch: str, kept: Collection[str] = ()) -> int:
    """Remove a batch's files, but `batch.json` and those of these names; how many.

    What did not come as recordings cannot be divided by machine.
    """
    folder = layout.incoming(project, batch)
    spared = {layout.batch_ready(project, batch), *(folder + name for name in kept)}
    gone = [row.key for row in store.objects(folder) if row.key not in spared]
    for key in gone:
        store.delete(key)
    return len(gone)


def _upload(store: Store, project: str, batch: str, path: Path, count: int) -> dict[str, Any]:
    sha256 = file_sha256(path)
    name = layout.renewed_batch_file(sha256)
    store.upload(path, layout.batch_recordings(project, batch, name))
    return {"name": name, "sha256": sha256, "size": path.stat().st_size, "count": count}


def _renewed(content: dict[str, Any], files: list[dict[str, Any]], removed: int) -> dict[str, Any]:
    hashes = [file["sha256"] for file in files]
    return content | {
        "files": files,
        "sha256": batch_sha256(hashes),
        "size": sum(file["size"] for file in files),
        "count": sum(file["count"] for file in files),
        "forgotten": content.get("forgotten", 0) + removed,
    }


def recordings_of(path: Path, machine: str) -> list[str] | None:
    """Ids of a machine's rows in a Parquet file, or None where it has none.

    Raises
    ------
    ParquetError
        The file cannot be read.
    """
    if not _has_machines(path):
        return None
    owners = _column(path, "machine_id")
    if machine not in owners:
        return None
    names = _column(path, "recording_id")
    return [name for name, owner in zip(names, owners, strict=True) if owner == machine and name]
