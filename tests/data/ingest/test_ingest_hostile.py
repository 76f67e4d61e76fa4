"""Damaged and hostile input through ingest: all of it ends in quarantine, each with a reason.

A batch holds many bad files at once: what one of them does must not matter to the next. What is
checked of each batch: a reason and a fix for every file, nothing written outside the folders that
ingest writes, nothing left on this disk, and the dataset before it untouched.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.data.foreign_files import WRITERS, csv_text, samples, write
from tests.support.data.hostile_batches import BATCH_NAMES, READY, RECORDINGS
from tests.support.data.hostile_files import HOSTILE
from tests.support.data.hostile_ingest import REASONS, files_taken_in, table, taken_in
from tests.support.data.hostile_sayings import EXTRA, PATHS, SAYINGS
from tinyops.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(module_store: Store) -> Store:
    """One bucket for all: what a bad batch leaves behind must not matter to the next.

    Batches of many files come last: every check lists the whole bucket.
    """
    return module_store


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process puts its temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("case", READY)
def test_ready_marks(store: Store, own_tmp: Path, case: str) -> None:
    batch = f"ready-{hashlib.sha256(case.encode()).hexdigest()[:8]}"
    content, reason = READY[case]
    told = taken_in(store, own_tmp, batch, {}, content)
    assert reason in told["reason"]
    REASONS[f"batch.json: {case}"] = told["reason"]


@pytest.mark.parametrize("name", BATCH_NAMES)
def test_batch_names(store: Store, own_tmp: Path, name: str) -> None:
    told = taken_in(store, own_tmp, name, {"recordings.parquet": b"x"}, b"{}")
    assert "cannot name a batch" in told["reason"]
    REASONS[f"batch {name[:30]!a}"] = told["reason"]


@pytest.mark.parametrize("case", RECORDINGS)
def test_recordings_that_are_none(store: Store, own_tmp: Path, case: str) -> None:
    content = RECORDINGS[case]
    mark = {
        "source": "a",
        "simulated": True,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "count": 1,
    }
    batch = f"rec-{hashlib.sha256(case.encode()).hexdigest()[:8]}"
    told = taken_in(
        store, own_tmp, batch, {"recordings.parquet": content}, json.dumps(mark).encode()
    )
    assert told["reason"].startswith("recordings.parquet: ")
    assert told["files"] == []
    REASONS[case] = told["reason"]


def test_hostile_files_each_end_with_a_reason(store: Store, own_tmp: Path) -> None:
    cases = {**HOSTILE, **EXTRA}
    files = [(title, name, content, {}) for title, (name, content) in cases.items()]
    reasons = files_taken_in(store, own_tmp, "hostile", files)
    assert set(cases) - set(reasons) == set(), table()
    # A reason that any file could have says nothing.
    assert len(set(reasons.values())) > 0.6 * len(reasons), table()


def test_paths_and_sayings_that_make_no_sense(store: Store, own_tmp: Path) -> None:
    def content(seed: int) -> bytes:
        return csv_text(samples(seed, 300)).encode()

    files: list[tuple[str, str, bytes, dict[str, Any]]] = [
        (f"path {path[:30]!a}", path, content(seed), {}) for seed, path in enumerate(PATHS, 100)
    ]
    files += [
        (f"said {json.dumps(said)[:34]}", f"{seed}.csv", content(seed), {"said": labelled | said})
        for seed, said in enumerate(SAYINGS, 200)
        for labelled in ({"label": "normal"},)
    ]
    reasons = files_taken_in(store, own_tmp, "names", files)
    assert [title for title, *_ in files if title not in reasons] == [], table()


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("valid")
    return {name: write(folder, name, samples(count=64)).read_bytes() for name in WRITERS}


# Done to a file of every format. Not drawn at random: a batch costs seconds, and random damage
# meets the importers themselves in tests/data/recordings/test_importers_bad_input.py.
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing left": lambda data: b"",
    "one byte": lambda data: data[:1],
    "half": lambda data: data[: len(data) // 2],
    "all but the last bytes": lambda data: data[:-9],
    "another beginning": lambda data: b"\0\xff" * 4 + data[8:],
    "another end": lambda data: data[:-8] + b"\xff\0" * 4,
    "zeros in the middle": lambda data: data[:400] + bytes(64) + data[464:],
    "inverted header": lambda data: data[:4] + bytes(b ^ 255 for b in data[4:40]) + data[40:],
    "twice": lambda data: data + data,
}


def test_a_damaged_file_of_any_format_ends_with_a_reason(
    store: Store, own_tmp: Path, valid: dict[str, bytes]
) -> None:
    files: list[tuple[str, str, bytes, dict[str, Any]]] = [
        (f"{name}: {kind}", name, damage(content), {})
        for name, content in valid.items()
        for kind, damage in DAMAGE.items()
    ]
    reasons = files_taken_in(store, own_tmp, "damaged", files)
    assert [title for title, *_ in files if title not in reasons] == [], table()
