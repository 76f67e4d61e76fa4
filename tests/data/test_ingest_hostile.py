"""Damaged and hostile input through ingest: all of it ends in quarantine, each with a reason.

A batch holds many bad files at once: what one of them does must not matter to the next. What is
checked of each batch: a reason and a fix for every file, nothing written outside the folders that
ingest writes, nothing left on this disk, and the dataset before it untouched.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pyarrow as pa
import pytest
from foreign_files import NAMES, RATE, WRITERS, acquisition, csv_text, samples, three_axes, write
from hostile_files import DAMAGES, HOSTILE, TRACE, Damage, changed, npy, npz
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from recording_maker import recording

from tinyops.data.dataset import current_version
from tinyops.data.ingest import ingest_batch, outstanding_batches
from tinyops.data.parquet import to_batch
from tinyops.projects import Project
from tinyops.store import Store, layout

PROJECT: Project = three_axes(window=64).model_copy(update={"name": "hostile"})
# Nobody says the class: what is readable after all is refused by the gate.
SAID = {"machine": "m", "channels": list(NAMES), "gain": 1.0, "recorded_at": "2026-01-01T00:00:00Z"}
WRITTEN = ("quarantine/", "receipts/ingest/", "reports/data-docs/")
REASONS: dict[str, str] = {}
"""(what was handed in) -> why it was refused, over all tests of this file."""


@pytest.fixture(scope="module")
def store(s3_env: dict[str, str]) -> Iterator[Store]:
    """One bucket for all: what a bad batch leaves behind must not matter to the next."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (s3_env | {"TINYOPS_BUCKET": "hostile"}).items():
            patch.setenv(name, value)
        made = Store.from_env()
        made.ensure_bucket()
        yield made


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process puts its temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def original(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        **more,
    }


def taken_in(
    store: Store, own_tmp: Path, batch: str, files: Mapping[str, bytes], ready: bytes
) -> dict[str, Any]:
    """Hand in a batch, ingest it, and check what must hold of any; what reason.json says."""
    folder = f"{layout.incoming(PROJECT.name)}{batch}/"
    for name, content in files.items():
        store.put(folder + name, content)
    store.put(folder + "batch.json", ready)
    before = {row.key: row.etag for row in store.objects("")}
    assert outstanding_batches(store, PROJECT) == [batch]
    answer = ingest_batch(store, PROJECT, batch)
    after = {row.key: row.etag for row in store.objects("")}
    assert answer["status"] == "quarantined"
    assert (answer["dataset"], current_version(store, PROJECT)) == (None, None)
    new = {key for key, etag in after.items() if before.get(key) != etag}
    stray = {key for key in new if not key.removeprefix(f"{PROJECT.name}/").startswith(WRITTEN)}
    assert stray == set()
    assert before.keys() <= after.keys()
    assert list(own_tmp.iterdir()) == []
    assert not TRACE.exists()
    assert outstanding_batches(store, PROJECT) == []
    content: dict[str, Any] = store.get_json(store.key(answer["uri"]))
    assert " -> " in answer["reason"] or content["refusals"], answer
    return content


def files_taken_in(
    store: Store, own_tmp: Path, batch: str, files: list[tuple[str, str, bytes, dict[str, Any]]]
) -> dict[str, str]:
    """Hand in foreign files (title, path, content, more); {title: reason} of those not readable."""
    keys = {
        f"{number:03d}{Path(path).suffix}": body for number, (_, path, body, _) in enumerate(files)
    }
    listed = [
        original(key, content, **{"path": path, **more})
        for (key, content), (_, path, _, more) in zip(keys.items(), files, strict=True)
    ]
    ready = {"source": "test", "simulated": True, "said": SAID, "originals": listed}
    told = taken_in(store, own_tmp, batch, keys, json.dumps(ready).encode())
    titles = {key: title for key, (title, *_) in zip(keys, files, strict=True)}
    for each in told["files"]:
        assert each["reason"], each
        assert each["fix"], each
        assert "\n" not in each["reason"] + each["fix"]
        assert len(each["reason"]) < 800
    reasons = {titles[each["name"]]: f"{each['reason']} -> {each['fix']}" for each in told["files"]}
    # Who was readable after all, a recording each, has met the gate.
    readable = [title for title, *_ in files if title not in reasons]
    for each in told["refusals"]:
        assert all(each["reasons"])
        assert all(each["fixes"])
        reasons[readable[each["row"]]] = f"{each['reasons'][0]} -> {each['fixes'][0]}"
    REASONS.update(reasons)
    return reasons


def table() -> str:
    return "\n".join(f"{what:45} {reason[:110]}" for what, reason in sorted(REASONS.items()))


EXTRA: dict[str, tuple[str, bytes]] = {
    "no number of the rate": (
        "a.csv",
        csv_text(samples(count=60)).replace("time_s,", "b,").encode(),
    ),
    "half a character for a name": ("a.json", changed(device_name="\ud800")),
    "a name of a megabyte": (
        "a.cbor",
        cbor2.dumps(acquisition(samples(count=9)) | {"x": "y" * 2**20}),
    ),
    "a device that is a path": ("a.json", changed(device_name="../../etc/passwd")),
    "numbers beyond float32": (
        "a.npz",
        npz(**{"x.npy": npy(samples(count=99) * 1e300), "fs.npy": npy(np.array(RATE))}),
    ),
    "recordings without rows": ("a.parquet", b""),
}


def test_hostile_files_each_end_with_a_reason(store: Store, own_tmp: Path) -> None:
    cases = {**HOSTILE, **EXTRA}
    files = [(title, name, content, {}) for title, (name, content) in cases.items()]
    reasons = files_taken_in(store, own_tmp, "hostile", files)
    assert set(cases) - set(reasons) == set(), table()
    # A reason that any file could have says nothing.
    assert len(set(reasons.values())) > 0.6 * len(reasons), table()


PATHS = [
    "../a.csv",
    "x/../a.csv",
    "/etc/a.csv",
    "a/b/c/d.csv",
    "a//b.csv",
    "./a.csv",
    "a.csv/",
    "a\0.csv",
    "a\n.csv",
    "\x1b[2J.csv",
    "\u202egpj.csv",
    "x" * 201 + ".csv",
    "ü" * 101 + ".csv",
    "x" * 4000 + ".csv",
    "..",
]
SAYINGS: list[dict[str, Any]] = [
    {"recording": "../../{stem}"},
    {"recording": "r" * 500},
    {"recording": "a\0b"},
    {"recording": "{nothing}"},
    {"recording": "\u202eabc"},
    {"machine": "../m"},
    {"machine": ""},
    {"machine": "m\nn"},
    {"machine": 3},
    {"label": "no such class"},
    {"rate_hz": 1e-300},
    {"rate_hz": 1e300},
    {"rate_hz": -400.0},
    {"rate_hz": float("nan")},
    {"gain": float("inf")},
    {"gain": 1e308},
    {"resample": "magic"},
    {"named": "{a}{b}"},
    {"recorded_at": "file"},
    {"recorded_at": "yesterday"},
    {"recorded_at": "9999-12-31T23:59:59-14:00"},
    {"recorded_at": "0001-01-01T00:00:00+14:00"},
    {"channels": ["ax", "ax", "ax"]},
    {"conditions": {"k" * 600: "v"}},
    {"unknown": 1},
]


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


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    damages=st.lists(st.tuples(st.sampled_from(sorted(WRITERS)), DAMAGES), min_size=30, max_size=30)
)
def test_damage_anywhere(
    store: Store, own_tmp: Path, valid: dict[str, bytes], damages: list[tuple[str, Damage]]
) -> None:
    found = [(name, damage(valid[name])) for name, damage in damages]
    files = [
        (f"damaged {name} {hashlib.sha256(content).hexdigest()[:8]}", name, content, {})
        for name, content in dict.fromkeys(found)
    ]
    batch = f"fuzz-{hashlib.sha256(repr(found).encode()).hexdigest()[:12]}"
    if not store.exists(layout.batch_ready(PROJECT.name, batch)):
        files_taken_in(store, own_tmp, batch, files)


READY: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "a number": b"3",
    "a key twice": b'{"source": "a", "source": "b", "simulated": true, "said": {}}',
    "a huge number": b'{"size": ' + b"9" * 5000 + b"}",
    "half a character": json.dumps(
        {"source": "a", "simulated": True, "said": SAID, "originals": [original("\ud800", b"x")]}
    ).encode(),
    "a request that climbs": b'{"source": "a", "simulated": true, "request": "../x", "size": 1}',
    "files that climb": b'{"source": "a", "simulated": true, "sha256": "", "size": 1, "count": 1, '
    b'"files": [{"name": "../x.parquet", "sha256": "", "size": 1, "count": 1}]}',
    "no count": b'{"source": "a", "simulated": true, "sha256": "", "size": 1, "count": NaN}',
    "a file that climbs": json.dumps(
        {"source": "a", "simulated": True, "said": SAID, "originals": [original("../x.csv", b"x")]}
    ).encode(),
    "a file that is batch.json": json.dumps(
        {
            "source": "a",
            "simulated": True,
            "said": SAID,
            "originals": [original("batch.json", b"x")],
        }
    ).encode(),
    "files that are not there": json.dumps(
        {
            "source": "a",
            "simulated": True,
            "said": SAID,
            "originals": [original("x.csv", b"x")] * 2000,
        }
    ).encode(),
}


@pytest.mark.parametrize("case", READY)
def test_ready_marks(store: Store, own_tmp: Path, case: str) -> None:
    batch = f"ready-{hashlib.sha256(case.encode()).hexdigest()[:8]}"
    REASONS[f"batch.json: {case}"] = taken_in(store, own_tmp, batch, {}, READY[case])["reason"]


BATCH_NAMES = [
    "a b",
    "a..b",
    ".hidden",
    "x" * 150,
    "über",
    "a/b",
    "%2e%2e",
    "a\\b",
    "-",
    "😀",
    "a?b#c",
]


@pytest.mark.parametrize("name", BATCH_NAMES)
def test_batch_names(store: Store, own_tmp: Path, name: str) -> None:
    told = taken_in(store, own_tmp, name, {"recordings.parquet": b"x"}, b"{}")
    assert "cannot name a batch" in told["reason"]
    REASONS[f"batch {name[:30]!a}"] = told["reason"]


def unpacking_to(label_bytes: int, rows: int) -> bytes:
    """Recordings with one long label for all: megabytes on the disk, gigabytes in memory."""
    columns = pa.Table.from_batches([to_batch([recording("r")] * rows)])
    labels = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), ["x" * label_bytes])
    alike = columns.set_column(columns.schema.get_field_index("label"), "label", labels)
    sink = io.BytesIO()
    parquet.write_table(alike, sink, store_schema=False, dictionary_pagesize_limit=64 << 20)
    return sink.getvalue()


RECORDINGS: dict[str, bytes] = {
    "recordings of nothing": b"",
    "recordings that are text": b"PAR1 no PAR1",
    "recordings that unpack to gigabytes": unpacking_to(4 << 20, 1000),
    **{
        f"recordings: {title}": content
        for title, (name, content) in HOSTILE.items()
        if name.endswith(".parquet")
    },
}


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
    REASONS[case] = told["reason"]


def test_at_least_sixty_inputs_are_handed_in() -> None:
    """Each of them is refused by a test above; the damaged files come on top."""
    by_hand = [*HOSTILE, *EXTRA, *PATHS, *map(str, SAYINGS), *READY, *BATCH_NAMES, *RECORDINGS]
    assert len(set(by_hand)) >= 60
