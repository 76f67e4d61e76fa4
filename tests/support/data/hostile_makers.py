"""Makers of damaged and hostile files, format by format."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy.io import savemat

from tests.support.data.foreign_files import acquisition, samples


def npz(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def resized(archive: bytes, size: int) -> bytes:
    """The archive, its first entry said to unpack to `size` bytes."""
    at = archive.index(b"PK\x01\x02") + 24
    return archive[:at] + size.to_bytes(4, "little") + archive[at + 4 :]


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def npy_header(shape: tuple[int, ...], content: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + content


class Runs:
    """Unpickled, it would leave a file."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path(self.trace).write_text, ("executed",)


def hdf5(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("signal", shape, "f8", chunks=(1024, 1), compression="gzip")
    return buffer.getvalue()


def hdf5_of(fill: Callable[[h5py.File], object]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((100, 3), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "signal", (100, 3))
    file.create_virtual_dataset("signal", layout)


def mat(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, arrays)
    return buffer.getvalue()


def wav(
    data: bytes = bytes(600),
    tag: int = 1,
    channels: int = 3,
    rate: int = 400,
    block: int = 6,
    bits: int = 16,
    says: int | None = None,
) -> bytes:
    head = struct.pack("<HHIIHH", tag, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    chunk = struct.pack("<4sI", b"data", len(data) if says is None else says) + data
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", len(head)) + head + chunk
    return b"RIFF" + struct.pack("<I", len(body)) + body


def many_entries(archive: bytes, count: int) -> bytes:
    """The archive with its one entry listed `count` times: all of the same bytes."""
    start, end = archive.index(b"PK\x01\x02"), archive.index(b"PK\x05\x06")
    entry = archive[start:end]
    tail = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(entry) * count, start, 0)
    return archive[:start] + entry * count + tail


def table(columns: dict[str, Any]) -> bytes:
    """A Parquet file; snappy, so that the codec stands in the footer as a byte to be changed."""
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, compression="snappy", use_dictionary=False)
    return sink.getvalue()


def header_of(text: str) -> bytes:
    """An .npy file with this header."""
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text.encode() + bytes(800)


def changed(**payload: Any) -> bytes:
    content = acquisition(samples(count=10))
    content["payload"] |= payload
    return json.dumps(content).encode()
