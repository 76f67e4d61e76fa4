"""NPZ: read without pickle, after a look at what it would unpack to."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tinyops.data.recordings.importers.arrays import arrays_captures
from tinyops.data.recordings.importers.capture import LIMIT_BYTES, Capture, ImportRefused
from tinyops.data.recordings.importers.description import Description


def read(path: Path, said: Description) -> Iterator[Capture]:
    """One capture, or one for each record.

    Raises
    ------
    ImportRefused
        The archive is damaged, holds pickled objects, or would unpack to more than the limit.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _require_plain([entry.filename for entry in archive.infolist()], path)
            total = sum(entry.file_size for entry in archive.infolist())
            if total > LIMIT_BYTES:
                raise ImportRefused(
                    f"{path.name}: unpacks to {total:,} bytes, at most {LIMIT_BYTES:,} are read",
                    "cut it into several files",
                )
            shapes = {
                entry.filename.removesuffix(".npy"): _shape(archive, entry)
                for entry in archive.infolist()
                if entry.filename.endswith(".npy")
            }
        with np.load(path, allow_pickle=False) as content:
            yield from arrays_captures(shapes, lambda name: content[name], said, path)
    except ImportRefused:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, KeyError, EOFError) as error:
        raise ImportRefused(
            f"{path.name}: no NPZ that can be read: {str(error).splitlines()[0][:200]}"
            if str(error)
            else f"{path.name}: no NPZ that can be read",
            "write it with numpy.savez, plain arrays only",
        ) from None
    except (MemoryError, NotImplementedError, RuntimeError) as error:
        raise ImportRefused(f"{path.name}: {error}", "write it with numpy.savez") from None


def _require_plain(names: list[str], path: Path) -> None:
    # Nothing is unpacked to a disk, so they could do no harm here; but nobody honest writes them.
    for name, count in Counter(names).items():
        if name.startswith(("/", "\\")) or ".." in name:
            raise ImportRefused(f"{path.name}: {name[:60]!r} is no name of an array", "rename it")
        if count > 1:
            raise ImportRefused(f"{path.name}: {name[:60]!r} is there twice", "write it once")


def _shape(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[int, ...]:
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
        header = header or np.lib.format.read_array_header_2_0
        shape, _, kind = header(file)
    size = int(np.prod(shape, dtype=np.float64) * kind.itemsize)
    if size > entry.file_size:
        raise ValueError(f"{entry.filename} says it is {list(shape)}, it has fewer bytes")
    return tuple(int(side) for side in shape)
