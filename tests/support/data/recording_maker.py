"""Recordings for tests: noise in the units of `motor_health`, one per machine and class."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings import Recording
from tinyops.projects import Project, Signal, load_project
from tinyops.projects.schema import Split
from tinyops.store import Store, layout

_BASE = load_project("motor_health")
PROJECT: Project = _BASE.model_copy(
    update={
        "sensor": "adc-piezo",
        "signal": Signal(
            channels=["radial"],
            unit="m/s^2",
            rate_hz=20000,
            window=64,
            hop=64,
            full_scale=[500.0],
        ),
        "labels": ["normal", "inner_race", "outer_race", "ball"],
        "split": Split(group_by="machine_id", validation=0.2, test=0.2, salt="3"),
    }
)
START = datetime(2026, 1, 1, tzinfo=UTC)


def recording(name: str = "r1", **changes: Any) -> Recording:
    """A good recording of machine m0; the name decides the samples."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    fields: dict[str, Any] = {
        "recording_id": name,
        "machine_id": "m0",
        "device_id": "d0",
        "sensor": "adc-piezo",
        "recorded_at": START + timedelta(seconds=seed % 10_000_000),
        "rate_hz": 20000.0,
        "channels": ("radial",),
        "unit": "m/s^2",
        "signal": np.random.default_rng(seed).normal(0, 20, (1, 256)).astype(np.float32),
        "label": "normal",
    }
    return Recording(**fields | changes)


def fleet(batch: str = "b", machines: int = 12, **changes: Any) -> list[Recording]:
    """Every class of every machine, as one batch; machines are the same in every batch."""
    return [
        recording(f"{batch}-m{number}-{label}", machine_id=f"m{number}", label=label, **changes)
        for number in range(machines)
        for label in PROJECT.labels
    ]


def fleet_ingested(store: Store) -> dict[str, Any]:
    """Publish `fleet()` as batch `b` and ingest it; the answer."""
    publish_batch(store, PROJECT, "b", fleet())
    return ingest_batch(store, PROJECT, "b")


def arrow_bytes(table: Any) -> bytes:
    """Any Arrow table as Parquet."""
    from pyarrow import parquet

    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def put_raw(
    store: Store, batch: str, data: bytes | None, project: Project = PROJECT, **changes: Any
) -> None:
    """Hand in any bytes as a batch, past `publish_batch`, with a fitting batch.json."""
    if data is not None:
        store.put(layout.batch_recordings(project.name, batch), data)
    content = {
        "batch": batch,
        "sha256": hashlib.sha256(data or b"").hexdigest(),
        "size": len(data or b""),
        "count": 48,
        "source": "test",
        "simulated": True,
    }
    store.put(layout.batch_ready(project.name, batch), json.dumps(content | changes).encode())
