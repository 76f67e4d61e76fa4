"""MATLAB files: version 5 (scipy), and 7.3, which is HDF5 (h5py). Only arrays of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinyops.data.recordings.importers.arrays import arrays_captures
from tinyops.data.recordings.importers.capture import Capture, ImportRefused
from tinyops.data.recordings.importers.description import Description

HDF5 = b"\x89HDF\r\n\x1a\n"
_NUMBERS = {
    *("double", "single", "int8", "uint8", "int16", "uint16"),
    *("int32", "uint32", "int64", "uint64"),
}


def read(path: Path, said: Description) -> Iterator[Capture]:
    """One capture: a vector, or a matrix with few channels; or one for each record.

    Raises
    ------
    ImportRefused
        The file is damaged, or no array of numbers is a signal.
    """
    try:
        yield from _new(path, said) if _is_new(path) else _old(path, said)
    except ImportRefused:
        raise
    except Exception as error:  # scipy and h5py raise whatever the bytes lead them to
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ImportRefused(
            f"{path.name}: no MAT file that can be read: {first}",
            "save it again, version 5 or 7.3",
        ) from None


def _is_new(path: Path) -> bool:
    # A 7.3 file has 512 bytes of text before the HDF5 signature.
    with path.open("rb") as file:
        head = file.read(520)
    return HDF5 in (head[:8], head[512:520])


def _old(path: Path, said: Description) -> Iterator[Capture]:
    from scipy.io import loadmat, whosmat

    shapes = {name: shape for name, shape, kind in whosmat(path) if kind in _NUMBERS}
    yield from arrays_captures(
        shapes, lambda name: loadmat(path, variable_names=[name])[name], said, path
    )


def _new(path: Path, said: Description) -> Iterator[Capture]:
    import h5py

    with h5py.File(path, "r") as file:
        found: dict[str, Any] = {}

        def keep(name: str, item: Any) -> None:
            # Cells and strings are references and characters; only numbers are a signal.
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf":
                # Its samples would be bytes of any file that this user may read.
                if item.external or item.is_virtual:
                    raise ImportRefused(
                        f"{path.name}: {name} lies in another file", "save the array itself"
                    )
                found[name] = item

        file.visititems(keep)
        shapes = {name: tuple(item.shape) for name, item in found.items()}
        yield from arrays_captures(shapes, lambda name: np.asarray(found[name][()]), said, path)
