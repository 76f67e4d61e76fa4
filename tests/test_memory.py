"""A dataset three times as large as the memory that ingest and training are allowed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import memory_step
from tinyops.data.batch import publish_batch
from tinyops.store import Store

STEP = Path(__file__).with_name("memory_step.py")


def run(step: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"TINYOPS_CACHE": str(tmp_path / "cache"), "TINYOPS_THREADS": "1"}
    argv = [sys.executable, str(STEP), step]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=500, check=False)


def answer(step: str, tmp_path: Path) -> dict[str, int]:
    done = run(step, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(900)
def test_a_dataset_larger_than_memory_is_ingested_and_trained_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyops.data.batch.FILE_BYTES", 32 << 20)
    sent = memory_step.recordings(memory_step.RECORDINGS, start=memory_step.SMALL)
    publish_batch(store, memory_step.project(), "large", sent)
    samples = memory_step.RECORDINGS * memory_step.SAMPLES * 6 * 4
    assert samples > 2.8 * memory_step.ALLOWED

    found = answer("ingest", tmp_path)
    assert (found["status"], found["accepted"]) == ("accepted", memory_step.RECORDINGS)

    found = answer("train", tmp_path)
    assert found["bytes"] > 1.4 * memory_step.ALLOWED, "as real numbers they would not fit"

    # The limit is one.
    done = run("everything", tmp_path)
    assert done.returncode != 0
    assert "MemoryError" in done.stderr or "cannot be read" in done.stderr, done.stderr[-2000:]
