"""The index of a dataset: what is known of each recording without its samples."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class IndexRow:
    """One recording without its samples; `recorded_at` is ISO 8601 in UTC."""

    recording_id: str
    machine_id: str
    device_id: str
    sensor: str
    recorded_at: str
    seconds: float
    label: str
    conditions: dict[str, str]
    fingerprint: str

    @property
    def span(self) -> tuple[datetime, datetime]:
        """First sample and end of the last."""
        start = datetime.fromisoformat(self.recorded_at).astimezone(UTC)
        return start, start + timedelta(seconds=self.seconds)


def index_rows(table: pd.DataFrame) -> list[IndexRow]:
    """Index rows of accepted recordings from the gate's table (`summary.COLUMNS`)."""
    names = list(IndexRow.__annotations__)
    return [
        IndexRow(**row | {"conditions": json.loads(row["conditions"])})
        for row in table[names].to_dict("records")
    ]


def write_index(path: Path, rows: Iterable[IndexRow]) -> None:
    """Write index rows as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    plain = [asdict(row) | {"conditions": sorted(row.conditions.items())} for row in rows]
    table = pa.Table.from_pylist(plain, schema=_schema())
    parquet.write_table(table, path, compression="zstd")


def read_index(path: Path) -> list[IndexRow]:
    """Read what `write_index` wrote."""
    from pyarrow import parquet

    return [
        IndexRow(**row | {"conditions": dict(row["conditions"])})
        for row in parquet.ParquetFile(path).read(use_threads=False).to_pylist()
    ]


def _schema() -> Any:
    import pyarrow as pa

    text = [(name, pa.string()) for name in IndexRow.__annotations__]
    kinds = {"seconds": pa.float64(), "conditions": pa.map_(pa.string(), pa.string())}
    return pa.schema([(name, kinds.get(name, kind)) for name, kind in text])
