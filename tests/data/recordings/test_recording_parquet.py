"""The recording format: what is written comes back, what does not fit is named."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyarrow import parquet

from tests.support.data.recording_maker import arrow_bytes, recording
from tinyops.data.recordings import (
    ParquetError,
    Recording,
    RecordingError,
    read_recordings,
    write_recordings,
)
from tinyops.data.recordings.parquet import BadRow, read_rows, to_batch

SIGNALS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(0, 50)),
    elements=st.floats(width=32, allow_nan=True),
)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(SIGNALS, st.text(max_size=5), st.none() | st.text()), max_size=5))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    made: list[tuple[np.ndarray, str, str | None]],
) -> None:
    path = tmp_path_factory.mktemp("trip") / "r.parquet"
    sent = [
        recording(
            f"r{number}",
            signal=signal,
            channels=tuple(f"c{c}" for c in range(len(signal))),
            conditions={"load": text, text: "x"},
            label=label,
        )
        for number, (signal, text, label) in enumerate(made)
    ]
    assert write_recordings(path, sent) == len(sent)
    for before, after in zip(sent, read_recordings(path), strict=True):
        assert after.fingerprint() == before.fingerprint()
        np.testing.assert_array_equal(after.signal, before.signal)
        for name in Recording.__annotations__.keys() - {"signal"}:
            assert getattr(after, name) == getattr(before, name)


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    signal = np.zeros((1, 1 << 20), np.float32)
    write_recordings(path, (recording(f"r{n}", signal=signal + n) for n in range(5)))
    assert parquet.ParquetFile(path).metadata.num_row_groups == 3
    assert [r.signal[0, 0] for r in read_recordings(path)] == [0, 1, 2, 3, 4]


def test_other_writers_types_are_taken(tmp_path: Path) -> None:
    table = pa.Table.from_batches([to_batch([recording()])])
    wide = table.cast(
        pa.schema(
            [
                field.with_type(
                    {
                        "signal": pa.large_list(pa.large_list(pa.float64())),
                        "recorded_at": pa.timestamp("ns", tz="UTC"),
                        "unit": pa.large_string(),
                    }.get(field.name, field.type)
                )
                for field in table.schema
            ]
        )
    )
    path = tmp_path / "wide.parquet"
    path.write_bytes(arrow_bytes(wide))
    (back,) = read_recordings(path)
    assert back.fingerprint() == recording().fingerprint()
    assert back.recorded_at == recording().recorded_at


def test_wrong_columns_are_all_named(tmp_path: Path) -> None:
    table = pa.Table.from_batches([to_batch([recording()])])
    table = table.drop_columns(["unit"]).append_column("extra", pa.array([1]))
    at = table.schema.get_field_index("rate_hz")
    table = table.set_column(at, "rate_hz", pa.array(["20000"]))
    path = tmp_path / "bad.parquet"
    path.write_bytes(arrow_bytes(table))
    with pytest.raises(ParquetError) as caught:
        list(read_recordings(path))
    for part in ("bad.parquet", "unit is missing", "rate_hz is string", "extra is unknown"):
        assert part in caught.value.message


def test_time_without_zone_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_batches([to_batch([recording()])])
    at = table.schema.get_field_index("recorded_at")
    naive = table.column(at).cast(pa.timestamp("us"))
    path = tmp_path / "naive.parquet"
    path.write_bytes(arrow_bytes(table.set_column(at, "recorded_at", naive)))
    with pytest.raises(ParquetError, match=r"recorded_at is timestamp\[us\], not .*UTC"):
        list(read_recordings(path))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("machine_id", None, "machine_id is null"),
        ("signal", None, "signal is null"),
        ("signal", [], "no channels"),
        ("signal", [[1.0], None], "channel that is null"),
        ("signal", [[1.0, None]], "1 null samples"),
        ("signal", [[1.0, 2.0], [1.0]], r"unequal length: \[2, 1\]"),
        ("signal", [[1.0], [2.0]], "1 channel names for 2 rows"),
        ("channels", [None], "channels holds a null"),
        ("conditions", [("load", None)], "conditions holds a null"),
    ],
)
def test_a_row_that_is_no_recording(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    table = pa.Table.from_batches([to_batch([recording("a"), recording("b")])])
    at = table.schema.get_field_index(column)
    first = table.column(at)[0].as_py()
    array = pa.array([first, value], table.schema.field(at).type)
    path = tmp_path / "rows.parquet"
    path.write_bytes(arrow_bytes(table.set_column(at, column, array)))
    good, bad = read_rows(path)
    assert isinstance(good, Recording)
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.recording_id) == (1, "b")
    with pytest.raises(ParquetError, match=f"rows.parquet row 1: .*{reason}"):
        list(read_recordings(path))


def test_recording_refuses_what_does_not_fit() -> None:
    with pytest.raises(RecordingError, match="float64"):
        recording(signal=np.zeros((1, 5)))
    with pytest.raises(RecordingError, match="2 channel names for 1"):
        recording(channels=("a", "b"))
    with pytest.raises(RecordingError, match="time zone"):
        recording(recorded_at=datetime(2026, 1, 1))  # noqa: DTZ001
    there = timezone(timedelta(hours=2))
    assert recording(recorded_at=datetime(2026, 1, 1, 2, tzinfo=there)).recorded_at.hour == 0


def test_a_lack_of_memory_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recordings(tmp_path / "good.parquet", [recording("r0")])

    def none_left(*_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 8388608 failed")

    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", none_left)
    with pytest.raises(MemoryError, match="malloc of size 8388608 failed"):
        list(read_rows(tmp_path / "good.parquet"))
