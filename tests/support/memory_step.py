"""Ingest or train, and watch the memory; run by tests/test_memory.py in a process of its own."""

from __future__ import annotations

import gc
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from tinyops.data.datasets.dataset import Dataset, current_version, open_dataset
from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.split import find_salt
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.recordings.recording import Recording
from tinyops.projects import Project, load_project
from tinyops.store import Store
from tinyops.training import feature_cache, stream
from tinyops.training.recipe import Recipe

SAMPLES, RECORDINGS, SMALL, MACHINES = 60_000, 140, 60, 20


@cache
def project() -> Project:
    """`exercise_watch` split by recording, with a salt for the small batch."""
    full = load_project("exercise_watch")
    split = full.split.model_copy(update={"group_by": "recording"})
    made = full.model_copy(update={"split": split})
    rows = [
        IndexRow(
            name,
            "m",
            "d",
            "imu",
            "2026-01-01T00:00:00+00:00",
            1.0,
            made.labels[n % len(made.labels)],
            {},
            name,
        )
        for n in range(SMALL)
        for name in [f"r{n:05d}"]
    ]
    salt = find_salt(rows, made)
    assert salt is not None
    return made.model_copy(update={"split": split.model_copy(update={"salt": salt})})


def recordings(count: int, start: int = 0, samples: int = SAMPLES) -> Iterator[Recording]:
    """Noise on a wrist at rest, 1.4 MB each."""
    config = project()
    for number in range(start, start + count):
        signal = np.random.default_rng(number).standard_normal((6, samples), np.float32)
        signal *= np.float32(0.5)
        signal[2] += 1  # gravity, without which this project's gate lets nothing pass
        yield Recording(
            recording_id=f"r{number:05d}",
            machine_id=f"m{number % MACHINES:02d}",
            device_id=f"d{number % MACHINES:02d}",
            sensor=config.sensor,
            recorded_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number),
            rate_hz=config.signal.rate_hz,
            channels=tuple(config.signal.channels),
            unit=config.signal.unit,
            signal=signal,
            label=config.labels[number % len(config.labels)],
        )


class Watch(threading.Thread):
    """The most memory of its own that the process has had, beyond what it had at the start."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        gc.collect()
        self.first = self.peak = self._now()
        self.start()

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, self._now())
            time.sleep(0.002)

    def grown(self) -> int:
        """Bytes."""
        return max(self.peak, self._now()) - self.first

    def _now(self) -> int:
        # Pages of mapped files are not in it: the kernel takes them back when it needs them.
        found = re.search(r"^RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
        assert found
        return int(found[1]) * 1024


def ingest(store: Store) -> dict[str, int | str]:
    """Take the large batch in, after a small one has loaded what there is to load."""
    config = project()
    publish_batch(store, config, "small", recordings(SMALL, samples=2000))
    ingest_batch(store, config, "small")
    watch = Watch()
    told = ingest_batch(store, config, "large")
    return {"status": told["status"], "accepted": told["accepted"], "grown": watch.grown()}


def train(store: Store) -> dict[str, int]:
    """Features of the large version, and one epoch."""
    from tinyops.frontend import from_project
    from tinyops.training.fit import fit, logits_of

    config, dataset = project(), opened(store)
    recipe = Recipe(width=4, blocks=1, epochs=1, batch_size=512, noise=0.1)
    frontend = from_project(config.frontend, config.signal)
    some = feature_cache.windows_at(dataset, config, frontend, {"test": config.signal.window * 50})
    fit(some["test"], some["test"], frontend, len(config.labels), recipe)
    stream.BLOCK_BYTES = 4 << 20
    watch = Watch()
    steps = feature_cache.training_steps(config, recipe)
    sets = feature_cache.windows_at(dataset, config, frontend, steps)
    model = fit(sets["train"], sets["validation"], frontend, len(config.labels), recipe)
    logits_of(model, sets["train"], frontend)
    real = sum(4 * each.features.size for each in sets.values())
    return {"windows": sum(map(len, sets.values())), "bytes": real, "grown": watch.grown()}


def everything(store: Store) -> dict[str, int]:
    """What must not be done: all recordings at once."""
    dataset = opened(store)
    next(dataset.recordings())
    watch = Watch()
    return {"recordings": len(list(dataset.recordings())), "grown": watch.grown()}


def opened(store: Store) -> Dataset:
    """The version with the large batch."""
    version = current_version(store, project())
    assert version is not None
    return open_dataset(store, project(), version)


def main() -> None:
    step = {"ingest": ingest, "train": train, "everything": everything}[sys.argv[1]]
    print(json.dumps(step(Store.from_env())))


if __name__ == "__main__":
    main()
