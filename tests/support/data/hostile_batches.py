"""Damaged and hostile batches: contents of batch.json, names of batches, recordings."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tests.support.data.hostile_files import HOSTILE
from tests.support.data.hostile_ingest import SAID, original
from tests.support.data.recording_maker import recording
from tinyops.data.recordings.parquet import to_batch

READY: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "batch.json: Expecting value"),
    "no JSON": (b"{", "batch.json: Expecting property name"),
    "no UTF-8": (b"\xff\xfe", "batch.json: Expecting value"),
    "deep": (b"[" * 100_000, "batch.json: maximum recursion depth"),
    "a number": (b"3", "batch.json is no mapping"),
    "a key twice": (
        b'{"source": "a", "source": "b", "simulated": true, "said": {}}',
        "the key 'source' is there twice",
    ),
    "a huge number": (b'{"size": ' + b"9" * 5000 + b"}", "batch.json: Exceeds the limit"),
    "half a character": (
        json.dumps(
            {
                "source": "a",
                "simulated": True,
                "said": SAID,
                "originals": [original("\ud800", b"x")],
            }
        ).encode(),
        "originals.0.name: ",
    ),
    "a request that climbs": (
        b'{"source": "a", "simulated": true, "request": "../x", "size": 1}',
        "'../x' cannot name a request",
    ),
    "files that climb": (
        b'{"source": "a", "simulated": true, "sha256": "", "size": 1, "count": 1, '
        b'"files": [{"name": "../x.parquet", "sha256": "", "size": 1, "count": 1}]}',
        "files[0]: '../x.parquet' cannot name a file",
    ),
    "no count": (
        b'{"source": "a", "simulated": true, "sha256": "", "size": 1, "count": NaN}',
        "count is missing or no int",
    ),
    "a file that climbs": (
        json.dumps(
            {
                "source": "a",
                "simulated": True,
                "said": SAID,
                "originals": [original("../x.csv", b"x")],
            }
        ).encode(),
        "'../x.csv' is no name of a file",
    ),
    "a file that is batch.json": (
        json.dumps(
            {
                "source": "a",
                "simulated": True,
                "said": SAID,
                "originals": [original("batch.json", b"x")],
            }
        ).encode(),
        "batch.json: has 272 of 1 bytes",
    ),
    "files that are not there": (
        json.dumps(
            {
                "source": "a",
                "simulated": True,
                "said": SAID,
                "originals": [original("x.csv", b"x")] * 2000,
            }
        ).encode(),
        "x.csv: is not in the batch's folder",
    ),
}
"""Content of batch.json, and what its refusal says."""


BATCH_NAMES = [
    "a b",
    "a..b",
    ".hidden",
    "x" * 150,
    "über",
    "a/b",
    "%2e%2e",
    "a\\b",
    "-",
    "😀",
    "a?b#c",
]


def unpacking_to(label_bytes: int, rows: int) -> bytes:
    """Recordings with one long label for all: megabytes on the disk, gigabytes in memory."""
    columns = pa.Table.from_batches([to_batch([recording("r")] * rows)])
    labels = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), ["x" * label_bytes])
    alike = columns.set_column(columns.schema.get_field_index("label"), "label", labels)
    sink = io.BytesIO()
    parquet.write_table(alike, sink, store_schema=False, dictionary_pagesize_limit=64 << 20)
    return sink.getvalue()


RECORDINGS: dict[str, bytes] = {
    "recordings of nothing": b"",
    "recordings that are text": b"PAR1 no PAR1",
    "recordings that unpack to gigabytes": unpacking_to(4 << 20, 1000),
    **{
        f"recordings: {title}": content
        for title, (name, content) in HOSTILE.items()
        if name.endswith(".parquet")
    },
}
