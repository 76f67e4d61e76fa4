"""Named arrays with the rate beside them, as NPZ and MAT files hold a capture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinyops.data.recordings.importers.capture import LIMIT_BYTES, Capture, ImportRefused, numbers
from tinyops.data.recordings.importers.description import Description
from tinyops.data.recordings.importers.naming import filled, places_of
from tinyops.data.recordings.importers.records import record_captures

RATES = ("rate_hz", "fs", "rate", "sample_rate", "sampling_rate", "sr")
LARGEST_SIDE = 64
"""No sensor here has more channels: the longer side of an array is time."""


def arrays_captures(
    shapes: Mapping[str, tuple[int, ...]],
    load: Callable[[str], npt.NDArray[np.generic]],
    said: Description,
    path: Path,
) -> Iterator[Capture]:
    """The capture in one of several arrays, or all records of one.

    Parameters
    ----------
    shapes
        Of all arrays, known before anything is read.
    load
        Reads one of them.

    Raises
    ------
    ImportRefused
        No array is a signal, or several are and none was named; an array is too large.
    """
    said = replace(said, array=filled(said.array, places_of(path, said.named), path))
    if said.array and said.array not in shapes:
        raise ImportRefused(
            f"{path.name}: no array {said.array!r}", f"it has: {', '.join(sorted(shapes))}"
        )
    if said.records:
        yield from record_captures(shapes, load, said, path, _rate(shapes, load))
        return
    able = [name for name, shape in shapes.items() if _is_signal(shape)]
    if not said.array and len(able) != 1:
        listed = ", ".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items()))
        raise ImportRefused(
            f"{path.name}: {len(able)} arrays may be the signal (it has: {listed or 'none'})",
            "name one with --array",
        )
    name = said.array or able[0]
    shape = shapes[name]
    if not _is_signal(shape):
        raise ImportRefused(
            f"{path.name}: {name} {list(shape)} is no signal",
            "give one capture: [samples], or [samples, channels] with few channels; "
            "or say --records if its first side counts records",
        )
    if np.prod(shape, dtype=np.float64) * 8 > LIMIT_BYTES:
        raise ImportRefused(
            f"{path.name}: {name} {list(shape)} is larger than {LIMIT_BYTES:,} bytes",
            "cut it into several files",
        )
    samples = np.atleast_2d(numbers(load(name), f"{path.name}: {name}"))
    if samples.shape[0] > samples.shape[1]:
        samples = samples.T
    yield Capture(samples, rate_hz=_rate(shapes, load))


def _is_signal(shape: tuple[int, ...]) -> bool:
    if len(shape) == 1:
        return shape[0] >= 2
    return len(shape) == 2 and max(shape) >= 2 and 1 <= min(shape) <= LARGEST_SIDE


def _rate(
    shapes: Mapping[str, tuple[int, ...]], load: Callable[[str], npt.NDArray[np.generic]]
) -> float | None:
    for name in RATES:
        if name in shapes and np.prod(shapes[name]) == 1:
            value = np.asarray(load(name)).ravel()
            if value.dtype.kind in "iuf" and value[0] > 0:
                return float(value[0])
    return None
