"""Ingest and training take a small part of the memory that all of the data would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import memory_step
from tests.support.checkout import ROOT
from tinyops.data.ingest.batch import publish_batch
from tinyops.store import Store

pytestmark = pytest.mark.slow


def answer(step: str, tmp_path: Path) -> dict[str, int]:
    env = os.environ | {"TINYOPS_CACHE": str(tmp_path / "cache"), "TINYOPS_THREADS": "1"}
    argv = [sys.executable, "-m", memory_step.__name__, step]
    done = subprocess.run(
        argv, env=env, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    print(step, found)
    return found


@pytest.mark.timeout(900)
def test_a_dataset_larger_than_memory_is_ingested_and_trained_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyops.data.ingest.batch.FILE_BYTES", 32 << 20)
    sent = memory_step.recordings(memory_step.RECORDINGS, start=memory_step.SMALL)
    publish_batch(store, memory_step.project(), "large", sent)
    samples = memory_step.RECORDINGS * memory_step.SAMPLES * 6 * 4

    found = answer("ingest", tmp_path)
    assert (found["status"], found["accepted"]) == ("accepted", memory_step.RECORDINGS)
    assert found["grown"] < samples / 2

    # The watch sees what it should: this holds all recordings at once.
    assert answer("everything", tmp_path)["grown"] > samples

    found = answer("train", tmp_path)
    # As real numbers all windows would take so much, and twice that while they are varied.
    assert found["bytes"] > 150 << 20
    assert found["grown"] < found["bytes"] / 2
