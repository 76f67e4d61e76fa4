"""Edge Impulse's acquisition format, as JSON or CBOR.

Edge Impulse documentation, "Data acquisition format": `protected`, `signature`, and a `payload`
with `device_name`, `interval_ms`, `sensors` (name and units, in the order of the columns) and
`values`, a row a sample. The signature (HS256 with the device's key) is not checked: the key is not
ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tinyops.data.recordings.importers.capture import Capture, ImportRefused, numbers
from tinyops.data.recordings.importers.description import Description
from tinyops.json_text import loads_unique

LIMIT = 256 << 20


def read(path: Path, said: Description) -> Iterator[Capture]:
    """One capture.

    Raises
    ------
    ImportRefused
        The file cannot be parsed, or lacks a key: names it.
    """
    size = path.stat().st_size
    if size > LIMIT:
        raise ImportRefused(
            f"{path.name}: {size:,} bytes, at most {LIMIT:,} are parsed",
            "cut it into several files",
        )
    content = _parsed(path)
    payload = _of(content, "payload", dict, path)
    interval = _of(payload, "interval_ms", (int, float), path)
    sensors = _of(payload, "sensors", list, path)
    if not interval > 0 or not sensors or not all(isinstance(one, dict) for one in sensors):
        raise ImportRefused(f"{path.name}: interval_ms or sensors make no sense", "export it again")
    values = _values(_of(payload, "values", list, path), len(sensors), path)
    units = {str(one.get("units", "")) for one in sensors}
    device = payload.get("device_name")
    return iter(
        [
            Capture(
                values.T,
                channels=tuple(str(one.get("name", "")) for one in sensors),
                rate_hz=1000.0 / float(interval),
                unit=units.pop() if len(units) == 1 else None,
                device=str(device) if device else None,
                recorded_at=_issued(content),
            )
        ]
    )


def _parsed(path: Path) -> dict[str, Any]:
    import cbor2

    try:
        data = path.read_bytes()
        cbor = path.suffix.lower() == ".cbor"
        content = cbor2.loads(data) if cbor else loads_unique(data)
    except Exception as error:  # cbor2's tags lead to numbers, dates and patterns of any kind
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ImportRefused(f"{path.name}: cannot be parsed: {first}", "export it again") from None
    if not isinstance(content, dict):
        raise ImportRefused(f"{path.name}: no acquisition: no mapping", "export it again")
    return content


def _of(content: dict[str, Any], key: str, kind: Any, path: Path) -> Any:
    value = content.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ImportRefused(
            f"{path.name}: {key} is missing or of another type",
            "give a file in Edge Impulse's acquisition format",
        )
    return value


def _values(rows: list[Any], columns: int, path: Path) -> Any:
    # One sensor's values may come as plain numbers.
    if columns == 1 and rows and not isinstance(rows[0], list):
        rows = [[value] for value in rows]
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != columns:
            raise ImportRefused(
                f"{path.name}: row {number} of values has not {columns} numbers", "export it again"
            )
    if len(rows) < 2:
        raise ImportRefused(f"{path.name}: {len(rows)} rows of values", "a capture has two or more")
    try:
        return numbers(np.array(rows), f"{path.name}: values")
    except (ValueError, OverflowError) as error:
        raise ImportRefused(f"{path.name}: values: {error}", "export it again") from None


def _issued(content: dict[str, Any]) -> datetime | None:
    protected = content.get("protected")
    issued = protected.get("iat") if isinstance(protected, dict) else None
    if not isinstance(issued, (int, float)) or isinstance(issued, bool):
        return None
    try:
        return datetime.fromtimestamp(issued, UTC)
    except (ValueError, OverflowError, OSError):
        return None
