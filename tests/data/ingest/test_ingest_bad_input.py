"""Bad input: a clear reason, the input kept, and the dataset before it untouched."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from tests.support.data.recording_maker import PROJECT, arrow_bytes, fleet, put_raw, recording
from tinyops.data.datasets.dataset import current_version
from tinyops.data.datasets.index import index_rows
from tinyops.data.datasets.split import find_salt, part_of
from tinyops.data.ingest.batch import BatchError, publish_batch
from tinyops.data.ingest.ingest import ingest_batch, outstanding_batches
from tinyops.data.quality.measure import summarise
from tinyops.data.recordings import Recording
from tinyops.data.recordings.parquet import BadRow, ParquetError, read_rows, to_batch
from tinyops.projects import Project
from tinyops.projects.schema import Split
from tinyops.store import Store, content_id, layout

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(module_store: Store) -> Store:
    """One bucket for all: what a bad batch leaves behind must not matter to the next."""
    return module_store


@pytest.fixture(scope="module")
def before(store: Store) -> str:
    """The version that is there before the bad batches come."""
    publish_batch(store, PROJECT, "first", fleet("first"))
    return str(ingest_batch(store, PROJECT, "first")["dataset"])


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> Project:
    """A project without any dataset."""
    name = "p" + content_id(request.node.name)
    return PROJECT.model_copy(update={"name": name})


def refused(store: Store, project: Project, batch: str, before: str | None) -> str:
    """Ingest a bad batch and check all that must hold of it. Returns the reason."""
    incoming = {row.key: row.etag for row in store.objects(layout.incoming(project.name))}
    assert outstanding_batches(store, project) == [batch]
    answer = ingest_batch(store, project, batch)
    assert answer["status"] == "quarantined"
    assert answer["dataset"] is None
    assert answer["accepted"] == 0
    assert current_version(store, project) == before
    assert {r.key: r.etag for r in store.objects(layout.incoming(project.name))} == incoming
    assert outstanding_batches(store, project) == []
    assert ingest_batch(store, project, batch) == answer
    content = store.get_json(store.key(answer["uri"]))
    assert content["reason"] == answer["reason"]
    assert content["batch"] == batch
    return str(answer["reason"])


def small(name: str = "r", **changes: object) -> Recording:
    return recording(name, **changes)


GOOD = fleet("new")
TABLE = pa.Table.from_batches([to_batch(GOOD)])


def _with(column: str, array: pa.Array) -> bytes:
    return arrow_bytes(TABLE.set_column(TABLE.schema.get_field_index(column), column, array))


def _good() -> bytes:
    return arrow_bytes(TABLE)


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "not-parquet": (b"recording_id;signal\nr1;[1,2]\n" * 50, "cannot be read as Parquet"),
    "truncated": (_good()[:-200], "cannot be read as Parquet"),
    "types": (_with("rate_hz", pa.array(["fast"] * 48)), "rate_hz is string, not double"),
    "integers": (
        _with("signal", pa.array([[[1, 2]]] * 48, pa.list_(pa.list_(pa.int64())))),
        "signal is list<",
    ),
    "columns": (
        arrow_bytes(TABLE.drop_columns(["unit", "label"])),
        "unit is missing; column label",
    ),
    "no-columns": (arrow_bytes(pa.table({})), "recording_id is missing"),
    "no-rows": (arrow_bytes(TABLE.slice(0, 0)), "at least one recording"),
}


@pytest.mark.parametrize("name", FILES)
def test_unreadable_files(store: Store, project: Project, before: str, name: str) -> None:
    data, reason = FILES[name]
    put_raw(store, name, data, count=0 if name == "no-rows" else 48)
    assert reason in refused(store, project, name, before)


BATCHES: dict[str, tuple[list[Recording], str]] = {
    "nan": ([small(signal=np.full((1, 256), np.nan, np.float32))], "finite_share is 0"),
    "infinite": ([small(signal=np.full((1, 256), np.inf, np.float32))], "finite_share is 0"),
    "label": ([small(label="cage")], "label is 'cage'"),
    "unlabelled": ([small(label=None)], "label is None"),
    "rate": ([small(rate_hz=12000.0)], "within 1 % of the project's 20000 Hz"),
    "channels": ([small(channels=("axial",))], "channels is 'axial'"),
    "unit": ([small(unit="g")], "unit is 'g'"),
    "sensor": ([small(sensor="imu")], "sensor is 'imu'"),
    "again": (fleet("first"), "duplicate_of is 'first-m0-normal'"),
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches_without_a_good_recording(
    store: Store, project: Project, before: str, name: str
) -> None:
    made, reason = BATCHES[name]
    publish_batch(store, project, name, made)
    said = refused(store, project, name, before)
    assert reason in said
    folder = layout.quarantine(project.name, name)
    refusals = store.get_json(folder + layout.REASON)["refusals"]
    assert [one["recording_id"] for one in refusals] == [one.recording_id for one in made]
    assert all(one["reasons"] and one["fixes"] for one in refusals)
    assert store.exists(folder + layout.RECORDINGS)
    page = store.get(layout.data_docs_page(project.name, name)).decode()
    assert "no recording is good" in page


def test_duplicates_inside_a_batch_leave_one(store: Store, fresh: Project) -> None:
    twin = recording("twin", signal=GOOD[0].signal, machine_id="m5")
    publish_batch(store, fresh, "twins", [*GOOD, twin])
    answer = ingest_batch(store, fresh, "twins")
    assert (answer["status"], answer["accepted"], answer["refused"]) == ("accepted", 48, 1)


def test_recordings_that_are_missing(store: Store, project: Project, before: str) -> None:
    put_raw(store, "half", None)
    assert "no recordings.parquet" in refused(store, project, "half", before)


def test_recordings_without_batch_json_are_not_looked_at(store: Store, fresh: Project) -> None:
    store.put(layout.batch_recordings(fresh.name, "coming"), _good())
    assert outstanding_batches(store, fresh) == []
    with pytest.raises(BatchError, match="not complete"):
        ingest_batch(store, fresh, "coming")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "not what batch.json says"),
        ({"size": 1}, "of 1 bytes"),
        ({"count": 47}, "says 47 recordings, the file holds 48"),
        ({"count": "48"}, "count is missing or no int"),
        ({"simulated": None}, "simulated is missing or no bool"),
    ],
)
def test_batch_json_that_does_not_fit(
    store: Store, project: Project, before: str, changes: dict[str, object], reason: str
) -> None:
    name = f"odd-{content_id(reason)}"
    put_raw(store, name, _good(), **changes)
    assert reason in refused(store, project, name, before)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'"x"'])
def test_batch_json_that_is_none(store: Store, fresh: Project, text: bytes) -> None:
    put_raw(store, "odd", _good(), fresh)
    store.put(layout.batch_ready(fresh.name, "odd"), text)
    assert "batch.json" in refused(store, fresh, "odd", None)


@pytest.mark.parametrize("name", ["a b", "a..b", ".hidden", "x" * 150, "über", "a/b"])
def test_batch_names_that_are_no_names(
    store: Store, project: Project, before: str, name: str
) -> None:
    store.put(layout.sent_batch(project.name, name) + layout.RECORDINGS, _good())
    store.put(layout.sent_ready(project.name, name), b"{}")
    assert "cannot name a batch" in refused(store, project, name, before)


def unfit(store: Store, project: Project, batch: str) -> str:
    """Ingest a batch after which nothing can be trained. Returns the reason."""
    answer = ingest_batch(store, project, batch)
    assert answer["status"] == "accepted"
    assert current_version(store, project) == answer["dataset"]
    return str(answer["unfit"])


def test_class_missing_in_a_part(store: Store, fresh: Project) -> None:
    test = {f"m{n}" for n in range(12) if part_of(f"m{n}", fresh.split) == "test"}
    made = [r for r in fleet() if not (r.machine_id in test and r.label == "ball")]
    publish_batch(store, fresh, "lacking", made)
    said = unfit(store, fresh, "lacking")
    assert "class 'ball' is absent from test" in said
    assert "split.salt" in said


def test_new_class_on_one_machine(store: Store, fresh: Project) -> None:
    publish_batch(store, fresh, "first", [r for r in fleet() if r.label != "ball"])
    assert "class 'ball' is absent from train, validation and test" in unfit(store, fresh, "first")
    publish_batch(store, fresh, "ball", [recording("one", label="ball")])
    assert "class 'ball' is absent from validation and test" in unfit(store, fresh, "ball")


def test_too_few_groups(store: Store, fresh: Project) -> None:
    publish_batch(store, fresh, "few", fleet(machines=1))
    assert "is empty (1 groups by machine_id)" in unfit(store, fresh, "few")


def test_one_stretch_of_time_on_two_sides(store: Store, fresh: Project) -> None:
    made = fleet("t")
    by_recording = PROJECT.model_copy(update={"split": Split(group_by="recording")})
    salt = find_salt(index_rows(summarise(made, by_recording)), by_recording)
    split = Split(group_by="recording", salt=salt or "")
    project = fresh.model_copy(update={"split": split})
    publish_batch(store, project, "good", made)
    before = ingest_batch(store, project, "good")["dataset"]
    # The same minute of the same device again, with other samples and another name.
    side = part_of(made[0].recording_id, split)
    name = next(n for n in (f"late{i}" for i in range(99)) if part_of(n, split) != side)
    publish_batch(store, project, "leak", [recording(name, recorded_at=made[0].recorded_at)])
    assert "overlap in time" in refused(store, project, "leak", before)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A Parquet file with a few bytes changed, most in the footer, and perhaps its end cut off."""
    content = bytearray(SMALL)
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.sampled_from([0, max(0, len(content) - FOOTER)]))
        content[draw(st.integers(start, len(content) - 1))] = draw(st.integers(0, 255))
    keep = draw(st.just(len(content)) | st.integers(0, len(content)))
    return bytes(content[:keep])


SMALL = arrow_bytes(pa.Table.from_batches([to_batch(fleet("first")[:2])]))
FOOTER = int.from_bytes(SMALL[-8:-4], "little") + 8


def _read(path: Path) -> tuple[ParquetError | None, list[Recording | BadRow]]:
    try:
        return None, list(read_rows(path))
    except ParquetError as error:
        return error, []


@settings(max_examples=400, deadline=None, derandomize=True)
@given(damaged())
def test_any_bytes_are_rows_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.parquet"
    path.write_bytes(content)
    refusal, rows = _read(path)
    assert refusal is None or (path.name in refusal.message and refusal.fix)
    assert all(isinstance(row, Recording | BadRow) for row in rows)


def inverted(start: int, size: int) -> bytes:
    damaged = bytes(byte ^ 0xFF for byte in SMALL[start : start + size])
    return SMALL[:start] + damaged + SMALL[start + size :]


# Every part of the file once; what damage at random does to the reader is seen above.
DAMAGED = {
    "first-magic": inverted(0, 4),
    "first-page-header": inverted(4, 8),
    "pages": inverted(len(SMALL) // 3, 64),
    "last-page": inverted(len(SMALL) - FOOTER - 16, 16),
    "schema": inverted(len(SMALL) - FOOTER, 8),
    "columns": inverted(len(SMALL) - FOOTER // 2, 8),
    "footer-length": inverted(len(SMALL) - 8, 4),
    "last-magic": inverted(len(SMALL) - 4, 4),
    "half": SMALL[: len(SMALL) // 2],
    "no-footer": SMALL[:-FOOTER],
}


@pytest.mark.parametrize("part", DAMAGED)
def test_damage_in_any_part_ends_in_quarantine(store: Store, before: str, part: str) -> None:
    # Both recordings have been seen, so that also harmless damage leaves nothing to accept.
    put_raw(store, f"damaged-{part}", DAMAGED[part], count=2)
    assert refused(store, PROJECT, f"damaged-{part}", before)


def test_a_file_of_one_huge_row_group_is_read(store: Store, fresh: Project) -> None:
    sink = io.BytesIO()
    parquet.write_table(TABLE, sink, row_group_size=1000, use_dictionary=True, compression="none")
    put_raw(store, "one-group", sink.getvalue(), fresh)
    assert ingest_batch(store, fresh, "one-group")["status"] == "accepted"
