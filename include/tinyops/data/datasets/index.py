"""The index of a dataset: what is known of each recording without its samples."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class IndexRow:
    """One recording without its samples; `recorded_at` is ISO 8601 in UTC.

    `means` and `deviations` (physical units, float32) are of each channel, `echo` is what copies of
    one capture share: what later batches are compared with.
    """

    recording_id: str
    machine_id: str
    device_id: str
    sensor: str
    recorded_at: str
    seconds: float
    label: str
    conditions: dict[str, str]
    fingerprint: str
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    centroid_hz: float = math.nan
    echo: str = ""

    @property
    def span(self) -> tuple[datetime, datetime]:
        """First sample and end of the last."""
        start = datetime.fromisoformat(self.recorded_at).astimezone(UTC)
        return start, start + timedelta(seconds=self.seconds)


def index_rows(table: pd.DataFrame) -> list[IndexRow]:
    """Index rows of accepted recordings from the gate's table (`columns.COLUMNS`)."""
    names = list(IndexRow.__annotations__)
    return [_row(row, json.loads(row["conditions"])) for row in table[names].to_dict("records")]


def write_index(path: Path, rows: Iterable[IndexRow]) -> None:
    """Write index rows as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    plain = [
        asdict(row)
        | {"conditions": sorted(row.conditions.items()), "echo": bytes.fromhex(row.echo)}
        for row in rows
    ]
    table = pa.Table.from_pylist(plain, schema=_schema())
    parquet.write_table(table, path, compression="zstd")


def read_index(path: Path) -> list[IndexRow]:
    """Read what `write_index` wrote."""
    from pyarrow import parquet

    return [
        _row(row | {"echo": row["echo"].hex()}, dict(row["conditions"]))
        for row in parquet.ParquetFile(path).read(use_threads=False).to_pylist()
    ]


def _row(fields: dict[str, Any], conditions: dict[str, str]) -> IndexRow:
    lists = {
        # Absent where samples are no numbers and the project lets them pass.
        name: tuple(fields[name]) if isinstance(fields[name], list | tuple) else ()
        for name in ("means", "deviations")
    }
    return IndexRow(**fields | lists | {"conditions": conditions})


def _schema() -> Any:
    import pyarrow as pa

    text = [(name, pa.string()) for name in IndexRow.__annotations__]
    kinds = {
        "seconds": pa.float64(),
        "conditions": pa.map_(pa.string(), pa.string()),
        "means": pa.list_(pa.float32()),
        "deviations": pa.list_(pa.float32()),
        "centroid_hz": pa.float32(),
        "echo": pa.binary(),
    }
    return pa.schema([(name, kinds.get(name, kind)) for name, kind in text])
