"""The steps of benchmarks/big_data.py, each in a process of its own that may not use more memory
than it is told: `python big_data_steps.py STEP LIMIT_MB '{"…": …}'` prints its figures as JSON."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project, load_project
from tinyops.store import Store

MACHINES, SECONDS, EPOCHS = 40, 20.0, 2
BATCH = "big"


def project(salt: str) -> Project:
    """`motor_health` for generated recordings; two epochs, as memory is alike in all of them."""
    full = load_project("motor_health")
    training = full.training.model_copy(update={"epochs": EPOCHS})
    split = full.split.model_copy(update={"salt": salt})
    # What the model is worth is of no interest here.
    losses = ("int8_loss", "int8_class_loss", "int8_slice_loss", "tail_loss", "separation_loss")
    objective = full.objective.model_copy(update=dict.fromkeys(losses, 1.0) | {"minimum": 0.0})
    changes = {"split": split, "training": training, "objective": objective}
    return full.model_copy(update=changes)


def recordings(config: Project, size: int) -> Iterator[Recording]:
    """About `size` bytes of noise with a tone for each class, one recording at a time."""
    samples = int(SECONDS * config.signal.rate_hz)
    rng = np.random.default_rng(1)
    times = np.arange(samples, dtype=np.float32) / np.float32(config.signal.rate_hz)
    tones = [np.sin(2 * np.pi * 150 * 2**n * times) for n in range(len(config.labels))]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(max(1, size // (4 * samples))):
        label = number % len(config.labels)
        machine = number // len(config.labels) % MACHINES
        noise = rng.standard_normal(samples, np.float32)
        yield Recording(
            recording_id=f"r{number:06d}",
            machine_id=f"m{machine:02d}",
            device_id=f"d{machine:02d}",
            sensor=config.sensor,
            recorded_at=start + timedelta(seconds=30 * number),
            rate_hz=config.signal.rate_hz,
            channels=tuple(config.signal.channels),
            unit=config.signal.unit,
            signal=(10 * noise + 20 * tones[label])[None].astype(np.float32),
            label=config.labels[label],
        )


def publish(store: Store, config: Project, size: int) -> dict[str, Any]:
    """Write and hand in the batch."""
    from tinyops.data.ingest import batch

    # Also a small batch has files for two workers.
    batch.FILE_BYTES = min(batch.FILE_BYTES, size // 8)
    batch.publish_batch(store, config, BATCH, recordings(config, size))
    return {}


def measure(store: Store, config: Project, work: list[Any]) -> dict[str, Any]:
    """What one mapped task does, for several of them in turn."""
    from tinyops.data.ingest.staging import stage

    return {"counts": [stage(store, config, one) for one in work]}


def join(store: Store, config: Project) -> dict[str, Any]:
    """Take the measured batch in; beside it, Great Expectations alone on the same table."""
    from tinyops.data.ingest.ingest import ingest_batch
    from tinyops.data.ingest.ready import read_ready
    from tinyops.data.ingest.staging import pieces_of
    from tinyops.data.quality.measure import gate_table
    from tinyops.data.quality.suite import expectations
    from tinyops.data.quality.validation import validate

    began = time.monotonic()
    suite = expectations(config)
    imported = time.monotonic()
    ready = read_ready(store, config, BATCH)
    pieces = list(pieces_of(store, config, ready, Path(tempfile.mkdtemp())))
    table = gate_table(entry for piece in pieces for entry in piece.entries)
    read = time.monotonic()
    validate(table, config.name, suite, BATCH)
    validated = time.monotonic()
    told = ingest_batch(store, config, BATCH)
    joined = time.monotonic()
    return told | {
        "import_gx": imported - began,
        "gx_alone": validated - read,
        "joined": joined - validated,
        "recordings": len(table),
    }


def train(store: Store, config: Project, dataset: str) -> dict[str, Any]:
    """Features of the new version, then a candidate of it."""
    from tinyops.data.datasets.dataset import open_dataset
    from tinyops.frontend import from_project
    from tinyops.training.feature_cache import training_steps, windows_at
    from tinyops.training.fit import import_keras
    from tinyops.training.pipeline import train_candidate
    from tinyops.training.recipe import recipe_of

    import_keras()
    frontend = from_project(config.frontend, config.signal)
    data = open_dataset(store, config, dataset)
    steps = training_steps(config, recipe_of(config.training))
    began = time.monotonic()
    sets = windows_at(data, config, frontend, steps)
    made = time.monotonic()
    told = train_candidate(store, config, dataset, "big")
    return {
        "features": made - began,
        "train": time.monotonic() - made,
        "windows": {share: len(each) for share, each in sets.items()},
        "feature_bytes": sum(each.features.nbytes for each in sets.values()),
        "macro_f1": told["macro_f1"],
    }


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "publish": publish,
    "measure": measure,
    "join": join,
    "train": train,
}


def main() -> None:
    """Run a step under its limit."""
    import boto3  # noqa: F401
    import pandas  # noqa: F401
    from pyarrow import parquet  # noqa: F401

    step, limit, given = sys.argv[1], int(sys.argv[2]) << 20, json.loads(sys.argv[3])
    # Memory that is a process's own, whether touched or not; maps of files are not.
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    config = project(given.pop("salt"))
    began = time.monotonic()
    found = STEPS[step](Store.from_env(), config, **given)
    print(json.dumps(found | {"began": began, "ended": time.monotonic()}))


if __name__ == "__main__":
    main()
