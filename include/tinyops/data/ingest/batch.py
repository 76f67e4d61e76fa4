"""Hand in recordings or foreign files: the files first, `batch.json` last as the ready mark."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinyops.data.ingest.originals import Lot, lots_of, original_of, originals_of
from tinyops.data.recordings.importers import Description
from tinyops.data.recordings.parquet import write_recordings
from tinyops.data.recordings.recording import Recording
from tinyops.errors import TinyOpsError
from tinyops.file_hash import file_sha256
from tinyops.projects import Project
from tinyops.store import Store, content_id, layout

FILE_BYTES = 128 << 20
"""Samples in one file of a batch: what one worker reads, and what a reader fetches at a time."""


class BatchError(TinyOpsError):
    """A batch cannot be handed in, or is not complete."""


class BatchRefused(BatchError):
    """The whole batch is bad, whatever its recordings are."""


@dataclass(frozen=True)
class BatchFile:
    """A file in the batch's folder; `size` in bytes, `count` in recordings."""

    name: str
    sha256: str
    size: int
    count: int


@dataclass(frozen=True)
class Batch:
    """What `batch.json` says; `request` is the label request that it answers.

    `size` and `count` are of all files; `sha256` is that of the only file, or a hash of theirs.
    Foreign files come in lots, and how many recordings they hold is not known before: `count` is 0.
    """

    batch: str
    sha256: str
    count: int
    size: int
    source: str
    simulated: bool
    note: str = ""
    request: str = ""
    created_at: str = ""
    files: tuple[BatchFile | Lot, ...] = ()


def publish_batch(
    store: Store,
    project: Project,
    batch_id: str,
    recordings: Iterable[Recording],
    note: str = "",
    *,
    source: str | None = None,
    request: str = "",
) -> str:
    """Write recordings to `incoming/`; nothing sees them before `batch.json` is there.

    They come in files of at most about FILE_BYTES, one on the disk at a time. Publishing the same
    content twice is harmless. Returns the URI of `batch.json`.

    Parameters
    ----------
    source
        Where the recordings come from, by default the project's `source`. The batch is called
        simulated when that source is, or when a recording has the condition `simulated: "true"`.
    request
        The label request that the batch answers.

    Raises
    ------
    BatchError
        A complete batch of that name exists with other content.
    TinyOpsError
        `batch_id` cannot be part of a key.
    """
    if not batch_id:
        raise BatchError("a batch needs a name", "give a batch id")
    ready = layout.batch_ready(project.name, batch_id)
    there = store.get_json_or(ready, None)
    simulated = [source is None and project.source.simulated]
    files: list[BatchFile] = []
    with tempfile.TemporaryDirectory(prefix="tinyops-batch-") as folder:
        for path, count in _files(_watched(recordings, simulated), Path(folder)):
            files.append(BatchFile(path.name, file_sha256(path), path.stat().st_size, count))
            if there is None:
                store.upload(path, layout.batch_recordings(project.name, batch_id, path.name))
            path.unlink()
    batch = Batch(
        batch=batch_id,
        sha256=batch_sha256([file.sha256 for file in files]),
        count=sum(file.count for file in files),
        size=sum(file.size for file in files),
        source=source or project.source.kind,
        simulated=any(simulated),
        note=note,
        request=request,
        created_at=datetime.now(UTC).isoformat(),
        files=tuple(files),
    )
    return _mark(store, project, batch, asdict(batch), there)


def publish_originals(
    store: Store,
    project: Project,
    batch_id: str,
    paths: Sequence[Path],
    said: Description,
    note: str = "",
    *,
    source: str = "file",
    simulated: bool = False,
    request: str = "",
    track: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> str:
    """Hand in foreign files as they are, with what is said of them; ingest imports them.

    Publishing the same files twice is harmless. Returns the URI of `batch.json`.

    Parameters
    ----------
    track
        Goes through the uploads, as a progress bar does.

    Raises
    ------
    BatchError
        No files; or a complete batch of that name exists with other content.
    ImportRefused
        A file is of a kind that cannot be read, empty or too large, or its name says nothing.
    """
    if not batch_id or not paths:
        raise BatchError("a batch needs a name and files", "give both")
    words = {key: value for key, value in asdict(said).items() if value not in (None, "", (), {})}
    originals = [original_of(path, file_sha256(path)) for path in paths]
    content = {
        "source": source,
        "simulated": simulated,
        "note": note,
        "request": request,
        "created_at": datetime.now(UTC).isoformat(),
        "said": words,
        "originals": [asdict(one) for one in originals],
    }
    batch = parse_batch(content, batch_id)
    there = store.get_json_or(layout.batch_ready(project.name, batch_id), None)
    if there is None:
        for path, original in track(list(zip(paths, originals, strict=True))):
            store.upload(path, layout.batch_original(project.name, batch_id, original.name))
    marked = {"batch": batch_id, "sha256": batch.sha256, **content}
    return _mark(store, project, batch, marked, there)


def batch_sha256(hashes: Sequence[str]) -> str:
    """The `sha256` of a batch of files with these hashes: that of the only one, or one of all."""
    return hashes[0] if len(hashes) == 1 else content_id(hashes, 64)


def _mark(store: Store, project: Project, batch: Batch, content: dict[str, Any], there: Any) -> str:
    """Write the ready mark of a batch, unless `there` is one already."""
    ready = layout.batch_ready(project.name, batch.batch)
    if there is None:
        return store.put_json(ready, content)
    if there.get("sha256") == batch.sha256:
        return store.uri(ready)
    raise BatchError(
        f"batch {batch.batch!r} of {project.name} is published with other content",
        "choose another batch id; a published batch never changes",
    )


def _files(recordings: Iterable[Recording], folder: Path) -> Iterator[tuple[Path, int]]:
    """Files of about FILE_BYTES of samples, at least one, with their counts of recordings."""
    number = 0
    for number, part in itertools.groupby(_numbered(recordings), key=lambda pair: pair[0]):
        path = folder / layout.batch_file(number)
        yield path, write_recordings(path, (recording for _, recording in part))
    if number == 0:
        path = folder / layout.batch_file(1)
        yield path, write_recordings(path, ())


def _numbered(recordings: Iterable[Recording]) -> Iterator[tuple[int, Recording]]:
    number, size = 1, 0
    for recording in recordings:
        if size and size + recording.signal.nbytes > FILE_BYTES:
            number, size = number + 1, 0
        size += recording.signal.nbytes
        yield number, recording


def _watched(recordings: Iterable[Recording], simulated: list[bool]) -> Iterator[Recording]:
    for recording in recordings:
        if recording.conditions.get("simulated") == "true":
            simulated[0] = True
        yield recording


def parse_batch(content: Any, batch_id: str) -> Batch:
    """Check the content of a `batch.json`; without `files` and `originals` it is about one
    `recordings.parquet`.

    Raises
    ------
    BatchError
        A key is missing or of another type; names it.
    """
    if not isinstance(content, dict):
        raise BatchError(f"batch {batch_id!r}: batch.json is no mapping", "publish it again")
    where = f"batch {batch_id!r}: batch.json"
    _check(content, {"source": str, "simulated": bool}, where)
    request = content.get("request", "")
    if not isinstance(request, str) or (request and not layout.is_safe(request)):
        raise BatchError(
            f"batch {batch_id!r}: batch.json: request: {request!r} cannot name a request",
            "publish it again",
        )
    files = _parse_originals(content, where) if "originals" in content else ()
    if not files:
        _check(content, {"sha256": str, "count": int, "size": int}, where)
    whole = _whole(files) if files else {key: content[key] for key in ("sha256", "size", "count")}
    return Batch(
        batch=batch_id,
        **whole,
        source=content["source"],
        simulated=content["simulated"],
        note=str(content.get("note", "")),
        request=request,
        created_at=str(content.get("created_at", "")),
        files=files
        or (
            _parse_files(content["files"], batch_id)
            if "files" in content
            else (BatchFile(layout.batch_file(1), **whole),)
        ),
    )


def _parse_originals(content: Mapping[str, Any], where: str) -> tuple[Lot, ...]:
    try:
        return lots_of(originals_of(content), FILE_BYTES)
    except TinyOpsError as error:
        raise BatchError(f"{where}: {error.message}", error.fix) from None


def _whole(lots: Sequence[Lot]) -> dict[str, Any]:
    content = [asdict(lot) for lot in lots]
    size = sum(lot.size for lot in lots)
    return {"sha256": content_id(content, 64), "count": 0, "size": size}


def _parse_files(content: Any, batch_id: str) -> tuple[BatchFile, ...]:
    where = f"batch {batch_id!r}: batch.json: files"
    if not isinstance(content, list) or not content:
        raise BatchError(f"{where} is no list of files", "publish it again")
    wanted = {"name": str, "sha256": str, "size": int, "count": int}
    for number, entry in enumerate(content):
        if not isinstance(entry, dict):
            raise BatchError(f"{where}[{number}] is no mapping", "publish it again")
        _check(entry, wanted, f"{where}[{number}]")
        name = entry["name"]
        if not layout.can_name_recordings(name):
            raise BatchError(f"{where}[{number}]: {name!r} cannot name a file", "publish it again")
    names = [entry["name"] for entry in content]
    if len(set(names)) < len(names):
        raise BatchError(f"{where} names a file twice", "publish it again")
    return tuple(BatchFile(**{key: entry[key] for key in wanted}) for entry in content)


def _check(content: dict[str, Any], wanted: dict[str, type], where: str) -> None:
    for key, kind in wanted.items():
        if not isinstance(content.get(key), kind):
            raise BatchError(f"{where}: {key} is missing or no {kind.__name__}", "publish it again")
