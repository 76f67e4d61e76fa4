"""Read and write recordings as Parquet, a few megabytes at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyops.data.recordings.recording import Recording, RecordingError
from tinyops.data.recordings.schema import REQUIRED, ParquetError, arrow_schema, check_schema

if TYPE_CHECKING:
    import pyarrow as pa

# Bytes of signal in memory at once, and per row group of a file that is written here.
CHUNK_BYTES = 8 << 20
REPEATING = ["machine_id", "device_id", "sensor", "unit", "label", "channels.list.element"]


@dataclass(frozen=True)
class BadRow:
    """A row that is no recording: null where a value is needed, channels of unequal length."""

    row: int
    recording_id: str
    reason: str
    machine_id: str = ""


def write_recordings(path: Path, recordings: Iterable[Recording]) -> int:
    """Write recordings to a file, row groups of about 8 MB. Returns how many there were."""
    count = 0
    with parquet_writer(path) as writer:
        for chunk in _chunks(recordings):
            writer.write_batch(to_batch(chunk))
            count += len(chunk)
    return count


def read_recordings(path: Path, groups: Sequence[int] | None = None) -> Iterator[Recording]:
    """The recordings of a file, or of these row groups of it, in order.

    Raises
    ------
    ParquetError
        The file cannot be read, has other columns, or a row is no recording.
    """
    for row in read_rows(path, groups):
        if isinstance(row, BadRow):
            raise ParquetError(
                f"{path.name} row {row.row}: {row.reason}", "correct or remove the row"
            )
        yield row


def read_rows(path: Path, groups: Sequence[int] | None = None) -> Iterator[Recording | BadRow]:
    """Every row of a file as a recording, or as a BadRow that says what is wrong with it.

    With `groups`, the rows of these row groups; they are numbered from the first of them on.

    Raises
    ------
    ParquetError
        The file cannot be read or has other columns.
    """
    first = 0
    for batch in read_batches(path, groups):
        for index in range(batch.num_rows):
            yield _row(batch, index, first + index)
        first += batch.num_rows


def in_own_form(path: Path, most: int) -> bool:
    """Whether a file is as `write_recordings` makes it, and of at most about `most` bytes.

    Foreign types, notes of other programs, row groups that would take much memory are not ours.

    Raises
    ------
    ParquetError
        The file cannot be read.
    """
    with _opened(path) as file:
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        return bool(
            file.schema_arrow.equals(arrow_schema())
            and not file.schema_arrow.metadata
            and path.stat().st_size <= 2 * most
            and all(g.num_rows == 1 or g.total_byte_size <= 2 * CHUNK_BYTES for g in groups)
        )


def write_batches(batches: Iterable[pa.RecordBatch], folder: Path, most: int) -> Iterator[Path]:
    """Write Arrow batches to files of at most about `most` bytes, each as it is asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    rest = iter(batches)
    for number, first in enumerate(rest, 1):
        path = folder / f"{number:05d}.parquet"
        with parquet_writer(path) as writer:
            size = 0
            for batch in itertools.chain([first], rest):
                writer.write_batch(batch)
                size += batch.nbytes
                if size >= most:
                    break
        yield path


def row_groups(path: Path) -> list[int]:
    """How many rows each row group of a readable file has."""
    from pyarrow import parquet

    meta = parquet.read_metadata(path)
    return [meta.row_group(number).num_rows for number in range(meta.num_row_groups)]


def read_batches(path: Path, groups: Sequence[int] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a file, or of these row groups, as Arrow batches of at most about 8 MB, cast to
    the recording format."""
    import pyarrow as pa

    with _opened(path) as file:
        meta = file.metadata
        size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        rows = max(1, min(1024, CHUNK_BYTES * meta.num_rows // max(size, 1)))
        schema = arrow_schema()
        for batch in file.iter_batches(rows, groups, schema.names):
            table = pa.Table.from_batches([batch]).select(schema.names)
            yield from table.cast(schema, safe=False).to_batches()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A file of recordings, its schema checked; what pyarrow raises inside is a ParquetError."""
    import pyarrow as pa
    from pyarrow import parquet

    name = path.name
    if path.stat().st_size == 0:
        raise ParquetError(f"{name}: is empty", "send the file again")
    try:
        # As it comes, pyarrow 25 fetches the chunks of all row groups into memory first.
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            check_schema(file.schema_arrow, name)
            yield file
    except MemoryError:
        # Of this process: what a file may take was tried in a child (see `readable`).
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ParquetError(f"{name}: cannot be read as Parquet: {first}", "send it again") from None


@contextmanager
def parquet_writer(path: Path) -> Iterator[Any]:
    """A writer of the recording format; one row group per batch written."""
    from pyarrow import parquet

    # Samples hardly repeat, so a dictionary of them only costs (pyarrow's default); split into
    # byte streams they shrink by a sixth (vibration) to a quarter (motion).
    with parquet.ParquetWriter(
        path,
        arrow_schema(),
        compression="zstd",
        use_dictionary=REPEATING,
        use_byte_stream_split=["signal.list.element.list.element"],
    ) as writer:
        yield writer


def to_batch(recordings: list[Recording]) -> pa.RecordBatch:
    """Recordings as one Arrow batch."""
    import pyarrow as pa

    schema = arrow_schema()
    lengths = [r.samples for r in recordings for _ in r.channels]
    flat = np.concatenate([r.signal.ravel() for r in recordings] or [np.empty(0, np.float32)])
    samples = pa.ListArray.from_arrays(_offsets(lengths), pa.array(flat, pa.float32()))
    signal = pa.ListArray.from_arrays(_offsets([len(r.channels) for r in recordings]), samples)
    columns = [
        signal
        if name == "signal"
        else pa.array([_plain(r, name) for r in recordings], schema.field(name).type)
        for name in schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(recording: Recording, name: str) -> Any:
    value = getattr(recording, name)
    if isinstance(value, dict):
        return sorted(value.items())
    return list(value) if isinstance(value, tuple) else value


def _offsets(lengths: list[int]) -> pa.Array:
    import pyarrow as pa

    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))


def _chunks(recordings: Iterable[Recording]) -> Iterator[list[Recording]]:
    chunk: list[Recording] = []
    size = 0
    for recording in recordings:
        if chunk and size + recording.signal.nbytes > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(recording)
        size += recording.signal.nbytes
    if chunk:
        yield chunk


def _row(batch: pa.RecordBatch, index: int, row: int) -> Recording | BadRow:
    name = "recording_id"
    fields: dict[str, Any] = {"recording_id": None}
    try:
        for name in batch.schema.names:
            scalar = batch.column(name)[index]
            if name in REQUIRED and not scalar.is_valid:
                raise RecordingError(f"{name} is null")
            fields[name] = _signal(scalar) if name == "signal" else scalar.as_py()
        name = "channels"
        if None in fields["channels"]:
            raise RecordingError("channels holds a null")
        fields["channels"] = tuple(fields["channels"])
        name = "conditions"
        conditions = dict(fields["conditions"] or ())
        if None in conditions.values():
            raise RecordingError("conditions holds a null")
        return Recording(**fields | {"conditions": conditions})
    except RecordingError as error:
        return BadRow(row, fields["recording_id"] or "", error.message, _machine(fields))
    except (ValueError, OverflowError, TypeError) as error:
        # Bytes that are not UTF-8, a year that Python's calendar does not have.
        return BadRow(row, fields["recording_id"] or "", f"{name}: {error}", _machine(fields))


def _machine(fields: dict[str, Any]) -> str:
    return str(fields.get("machine_id") or "")


def _signal(scalar: Any) -> np.ndarray:
    channels = scalar.values
    if len(channels) == 0:
        raise RecordingError("signal has no channels")
    if channels.null_count:
        raise RecordingError("signal holds a channel that is null")
    lengths = channels.value_lengths().to_numpy()
    if (lengths != lengths[0]).any():
        raise RecordingError(f"signal has channels of unequal length: {lengths.tolist()}")
    samples = channels.flatten()
    if samples.null_count:
        raise RecordingError(f"signal holds {samples.null_count} null samples")
    return samples.to_numpy(zero_copy_only=False).reshape(len(lengths), lengths[0])
