"""Search of every object of a project for the samples and names of a machine."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tests.support.retention.project_house import PROJECT
from tinyops.data.recordings import Recording
from tinyops.frontend import from_project
from tinyops.frontend.counts import to_counts
from tinyops.sketches.frames import decode_records
from tinyops.store import Store

BINARY = ("signal", "windows", "features")
"""Where a short name turns up by chance."""

HEAD = 64
"""Bytes by which a stretch of samples is known again; all of it is noise, so none comes twice."""


def leftovers(store: Store, prefix: str, recordings: Iterable[Recording]) -> list[str]:
    """Keys with what was found in them: samples as they came, as counts, as features; names.

    Names in keys and hashes are not looked for.
    """
    known = list(recordings)
    needles = list(_needles(known))
    words = {one.recording_id for one in known} | {one.machine_id for one in known}
    devices = {one.device_id for one in known}
    name = _word(words)
    found = []
    for row in list(store.objects(prefix)):
        for kind, data in _contents(row.key, store.get(row.key)):
            if any(needle in data for needle in needles):
                found.append(f"{row.key}: samples in {kind}")
            wanted = _word(devices) if kind == "frames" else name
            if kind not in BINARY and (match := wanted.search(data.decode("latin-1"))):
                found.append(f"{row.key}: {match[0]!r} in {kind}")
    return found


def _word(words: set[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w:-])({'|'.join(map(re.escape, sorted(words)))})(?![\w:-])")


def _needles(recordings: list[Recording]) -> Iterator[bytes]:
    frontend = from_project(PROJECT.frontend, PROJECT.signal)
    window = PROJECT.signal.window
    for one in recordings:
        counts = to_counts(one.signal, PROJECT.signal.full_scale)
        for start in range(0, one.samples - window + 1, window):
            yield one.signal[0, start : start + window].astype("<f4").tobytes()[:HEAD]
            yield counts[start : start + window].astype("<i2").tobytes()[:HEAD]
            yield frontend.run(counts[None, start : start + window]).tobytes()[:HEAD]


def _contents(key: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """An object's bytes as they can be searched: unpacked where it is packed."""
    if key.endswith(".parquet"):
        from pyarrow import parquet

        table = parquet.read_table(io.BytesIO(data))
        for column in table.column_names:
            yield column, _plain(table.column(column))
    elif key.endswith(".npz"):
        with np.load(io.BytesIO(data)) as content:
            for name in content.files:
                array = content[name]
                plain = array.tobytes()
                if array.dtype.kind == "U":
                    plain = " ".join(array.ravel().tolist()).encode()
                yield name, plain
    elif key.endswith(".bin.zst"):
        records, _ = decode_records(data)
        yield "frames", " ".join(record.device for record in records).encode()
    else:
        yield "bytes", data


def _plain(column: Any) -> bytes:
    import pyarrow as pa

    if pa.types.is_list(column.type) and pa.types.is_list(column.type.value_type):
        samples = column.combine_chunks().flatten().flatten().to_numpy(zero_copy_only=False)
        return bytes(samples.astype("<f4").tobytes())
    return repr(column.to_pylist()).encode()
