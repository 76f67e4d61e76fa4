"""An array of many records, [records, samples] or [records, samples, channels], with columns beside
it that have a value a record: how public sets of windows are often handed out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinyops.data.recordings.importers.capture import LIMIT_BYTES, Capture, ImportRefused, numbers
from tinyops.data.recordings.importers.description import Description
from tinyops.data.recordings.importers.naming import OF_PATH

START = "start"
"""A column of this name says at which sample of its capture a record begins."""
_COLUMN = "US" + "iuf" + "b"


def record_captures(
    shapes: Mapping[str, tuple[int, ...]],
    load: Callable[[str], npt.NDArray[np.generic]],
    said: Description,
    path: Path,
    rate_hz: float | None,
) -> Iterator[Capture]:
    """A capture a record, or one for all records with one value in the column `said.join`.

    The columns' values are places in the description's texts, and so is `{number}`.

    Raises
    ------
    ImportRefused
        No array holds records, or several do and none was named; records to be joined do not follow
        each other.
    """
    array = _array(shapes, said, path)
    count = shapes[array][0]
    columns = {
        name: _texts(np.asarray(load(name)).ravel())
        for name, shape in shapes.items()
        if max(shape, default=0) == np.prod(shape) == count and name not in (*OF_PATH, array)
    }
    columns = {name: values for name, values in columns.items() if values}
    factors = _factors(shapes, load, said, count, path)
    content = np.asarray(load(array))
    before = 0
    for number, rows in enumerate(_groups(columns, said, count, path)):
        parts = [_upright(content[row], f"{path.name}: {array}") * factors[row] for row in rows]
        _require_contiguous(columns, rows, parts, path)
        samples = np.concatenate(parts, axis=1)
        yield Capture(
            samples,
            rate_hz=rate_hz,
            name=f"{number:05d}",
            places={name: values[rows[0]] for name, values in columns.items()}
            | {"number": f"{number:05d}"},
            samples_before=before,
        )
        before += samples.shape[1]


def _array(shapes: Mapping[str, tuple[int, ...]], said: Description, path: Path) -> str:
    able = [
        name
        for name, shape in shapes.items()
        if len(shape) in (2, 3) and shape[0] >= 1 and max(shape[1:]) >= 2
    ]
    if said.array:
        able = [name for name in able if name == said.array]
    if len(able) != 1:
        listed = ", ".join(f"{name} {list(shape)}" for name, shape in sorted(shapes.items()))
        raise ImportRefused(
            f"{path.name}: {len(able)} arrays may be the records (it has: {listed or 'none'})",
            "name one that is [records, samples] or [records, samples, channels] with --array",
        )
    shape = shapes[able[0]]
    if np.prod(shape, dtype=np.float64) * 8 > LIMIT_BYTES:
        raise ImportRefused(
            f"{path.name}: {able[0]} {list(shape)} is larger than {LIMIT_BYTES:,} bytes",
            "cut it into several files",
        )
    return able[0]


def _factors(
    shapes: Mapping[str, tuple[int, ...]],
    load: Callable[[str], npt.NDArray[np.generic]],
    said: Description,
    count: int,
    path: Path,
) -> npt.NDArray[np.float64]:
    if not said.scale:
        return np.ones(count)
    factors = np.ravel(numbers(load(said.scale), said.scale)) if said.scale in shapes else None
    if factors is None or factors.size != count:
        raise ImportRefused(
            f"{path.name}: no column {said.scale!r} with a number for each record",
            f"it has: {', '.join(sorted(shapes))}",
        )
    return factors


def _texts(values: npt.NDArray[np.generic]) -> list[str]:
    """A column as texts, 1000.0 as 1000; none where it holds something else."""
    if values.dtype.kind not in _COLUMN:
        return []
    if values.dtype.kind == "S":
        return [bytes(value).decode(errors="replace") for value in values]
    if values.dtype.kind == "f":
        return [f"{float(value):g}" for value in values]
    return [str(value) for value in values]


def _groups(
    columns: Mapping[str, list[str]], said: Description, count: int, path: Path
) -> list[list[int]]:
    if not said.join:
        return [[row] for row in range(count)]
    if said.join not in columns:
        raise ImportRefused(
            f"{path.name}: no column {said.join!r} with a value for each record",
            f"there is: {', '.join(sorted(columns)) or 'none'}",
        )
    found: dict[str, list[int]] = {}
    for row, value in enumerate(columns[said.join]):
        found.setdefault(value, []).append(row)
    if START in columns:
        start = [_number(value) for value in columns[START]]
        for rows in found.values():
            rows.sort(key=lambda row: start[row])
    return list(found.values())


def _require_contiguous(
    columns: Mapping[str, list[str]],
    rows: list[int],
    parts: list[npt.NDArray[np.float64]],
    path: Path,
) -> None:
    if START not in columns:
        return
    for row, following, part in zip(rows, rows[1:], parts, strict=False):
        begin, end = (_number(columns[START][each]) for each in (row, following))
        if end - begin != part.shape[1]:
            raise ImportRefused(
                f"{path.name}: records {row} and {following} do not follow each other: they start "
                f"at samples {begin:g} and {end:g} and have {part.shape[1]}",
                "leave --join out: they overlap, or something between them is missing",
            )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _upright(record: npt.NDArray[np.generic], what: str) -> npt.NDArray[np.float64]:
    """float64 [channels, samples] of a record: time is the longer side."""
    samples = np.atleast_2d(numbers(record, what))
    return samples.T if samples.shape[0] > samples.shape[1] else samples
