"""Files of frames become tables: each frame once, bad ones set aside, whatever is cut off."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyarrow import parquet

from tests.support import frame_makers as made
from tests.support.frame_makers import (
    GATEWAY,
    NOW,
    PROJECT,
    SKETCH,
    TODAY,
    N,
    damaged,
    record,
    send,
)
from tinyops.monitoring import compaction
from tinyops.monitoring.compaction import compact_frames
from tinyops.monitoring.frame_inbox import FrameFile, outstanding_frames, recent_frames
from tinyops.monitoring.table import read_frames
from tinyops.sketches.frames import SATURATED, FrameRecord, encode_records
from tinyops.store import Consumer, ObjectMissing, ReportKind, Store, layout, receipts

pytestmark = pytest.mark.slow


@pytest.fixture
def house(store: Store) -> Store:
    """A store with one release."""
    made.release(store)
    return store


def tables(store: Store) -> list[str]:
    return [row.key for row in store.objects(layout.frame_tables(PROJECT))]


def reason(store: Store, file: FrameFile) -> Any:
    return store.get_json(layout.quarantine_reason(PROJECT, layout.frames_input(file.id)))


def test_files_become_one_table_and_are_taken_once(house: Store) -> None:
    records = [record(number) for number in range(4)]
    first, second = send(house, records[:3]), send(house, records[3:], seq=2)

    done = compact_frames(house, PROJECT)

    key = layout.frames_table(PROJECT, TODAY, GATEWAY, 1, 2)
    assert done == {"files": 2, "accepted": 4, "set_aside": {}, "tables": [key]}
    assert read_frames(house, PROJECT) == records
    assert outstanding_frames(house, PROJECT) == []
    for file in (first, second):
        receipt = receipts.read(house, PROJECT, Consumer.MONITOR, file.id)
        assert receipt is not None
        assert (receipt.status, receipt.output) == ("done", house.uri(key))
    nothing = {"files": 0, "accepted": 0, "set_aside": {}, "tables": []}
    assert compact_frames(house, PROJECT) == nothing


def test_a_table_has_the_counts_for_any_tool(house: Store) -> None:
    send(house, [record(3)])
    [key] = compact_frames(house, PROJECT)["tables"]
    [row] = parquet.read_table(io.BytesIO(house.get(key))).to_pylist()
    assert row["histograms"] == [list(one) for one in SKETCH.histograms]
    for name in ("out_of_range", "confidence", "classes"):
        assert row[name] == list(getattr(SKETCH, name))
    assert (row["n"], row["flags"], row["window"]) == (N, 0, 3 * N)
    assert row["file"] == FrameFile(TODAY, GATEWAY, 1).id


def test_a_later_table_replaces_the_one_before(house: Store) -> None:
    for seq in range(1, 4):
        send(house, [record(seq)], seq=seq)
        compact_frames(house, PROJECT)
    assert tables(house) == [layout.frames_table(PROJECT, TODAY, GATEWAY, 1, 3)]
    assert [one.window for one in read_frames(house, PROJECT)] == [N, 2 * N, 3 * N]


def test_days_and_gateways_have_tables_of_their_own(house: Store) -> None:
    yesterday = NOW - timedelta(days=1)
    day = f"{yesterday:%Y-%m-%d}"
    send(house, [record(0, received_at=yesterday.isoformat())], date=day)
    send(house, [record(1)])
    send(house, [record(0, gateway="line-4", device="press-8")], gateway="line-4")
    compact_frames(house, PROJECT)
    assert tables(house) == [
        layout.frames_table(PROJECT, day, GATEWAY, 1, 1),
        layout.frames_table(PROJECT, TODAY, GATEWAY, 1, 1),
        layout.frames_table(PROJECT, TODAY, "line-4", 1, 1),
    ]
    assert [one.window for one in read_frames(house, PROJECT, device=made.DEVICE)] == [0, N]
    assert [one.window for one in read_frames(house, PROJECT, made.DEVICE, since=TODAY)] == [N]


def test_bad_frames_are_counted_and_never_mixed_in(house: Store) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    good = [record(0), record(1)]
    bad = [
        replace(record(2), frame=damaged(record(2).frame)),
        record(3, replace(SKETCH, flags=SATURATED)),
        record(4, reference_tag="ba9876543210"),
        record(5, received_at=ahead),
        good[1],
    ]
    file = send(house, [good[1], *bad, good[0]])

    done = compact_frames(house, PROJECT)

    expected = {
        "wrong CRC": 1,
        "a counter saturated": 1,
        "not its release's reference tag": 1,
        "received in the future": 1,
        "sent twice": 1,
    }
    assert done["accepted"] == 2
    assert done["set_aside"] == expected
    assert read_frames(house, PROJECT) == good
    told = reason(house, file)
    assert told["counts"] == expected
    assert sorted((one["window"] // N, one["reasons"][0]) for one in told["frames"]) == [
        (1, "sent twice"),
        (2, "wrong CRC"),
        (3, "a counter saturated"),
        (4, "not its release's reference tag"),
        (5, "received in the future"),
    ]
    folder = layout.quarantine(PROJECT, layout.frames_input(file.id))
    kept = parquet.read_table(io.BytesIO(house.get(folder + layout.FRAMES_TABLE))).to_pylist()
    assert sorted(row["frame"] for row in kept) == sorted(one.frame for one in bad)
    receipt = receipts.read(house, PROJECT, Consumer.MONITOR, file.id)
    assert receipt is not None
    assert receipt.status == "done"
    assert "1 x a counter saturated" in receipt.reason
    [run] = house.folders(layout.report(PROJECT, ReportKind.FRAMES))
    results = house.get_json(layout.frames_validation(PROJECT, run))
    assert [one["success"] for one in results["validations"]] == [False, False]


def test_a_replayed_file_changes_nothing(house: Store) -> None:
    records = [record(number) for number in range(3)]
    send(house, records)
    compact_frames(house, PROJECT)
    replayed = send(house, records, seq=2)
    assert compact_frames(house, PROJECT)["set_aside"] == {"sent twice": 3}
    assert read_frames(house, PROJECT) == records
    receipt = receipts.read(house, PROJECT, Consumer.MONITOR, replayed.id)
    assert receipt is not None
    assert receipt.status == "quarantined"


def test_yesterdays_frames_are_not_counted_again_today(house: Store) -> None:
    yesterday = NOW - timedelta(days=1)
    records = [record(number, received_at=yesterday.isoformat()) for number in range(2)]
    send(house, records, date=f"{yesterday:%Y-%m-%d}")
    compact_frames(house, PROJECT)
    send(house, [replace(one, received_at=record().received_at) for one in records], seq=2)
    assert compact_frames(house, PROJECT)["set_aside"] == {"sent twice": 2}
    assert read_frames(house, PROJECT) == records


def test_files_that_come_in_another_order_end_in_the_same_frames(house: Store) -> None:
    records = [record(number) for number in range(6)]
    for seq in (3, 1, 2):
        send(house, records[2 * seq - 2 : 2 * seq][::-1], seq=seq)
        compact_frames(house, PROJECT)
    assert read_frames(house, PROJECT) == records
    assert tables(house) == [layout.frames_table(PROJECT, TODAY, GATEWAY, 1, 3)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no zstandard", "file of frames"),
        (b"", "file of frames"),
        (encode_records([record(0)])[:-4], "file of frames"),
    ],
    ids=["other bytes", "empty", "cut off"],
)
def test_a_file_that_cannot_be_read_is_set_aside(house: Store, content: bytes, said: str) -> None:
    file = FrameFile(TODAY, GATEWAY, 1)
    house.put(file.key(PROJECT), content)
    send(house, [record(1)], seq=2)
    done = compact_frames(house, PROJECT)
    assert done["set_aside"] == {"unreadable file": 1}
    assert done["accepted"] == 1
    receipt = receipts.read(house, PROJECT, Consumer.MONITOR, file.id)
    assert receipt is not None
    assert receipt.status == "quarantined"
    assert said in reason(house, file)["unreadable"]
    assert house.get(file.key(PROJECT)) == content, "the file itself stays where it is"


def test_a_record_that_cannot_be_read_spares_the_others(house: Store) -> None:
    wrong = replace(record(0), epoch="no number")
    file = send(house, [wrong, record(1)])
    done = compact_frames(house, PROJECT)
    assert (done["accepted"], done["set_aside"]) == (1, {"unreadable record": 1})
    assert reason(house, file)["records"] == ["record 0: epoch is wrong"]


@pytest.mark.parametrize("cut", ["_report", "_settle"])
def test_a_run_that_is_cut_off_is_made_up_for(
    house: Store, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    records = [record(number) for number in range(4)]
    send(house, records[:2])
    compact_frames(house, PROJECT)
    send(house, records[2:], seq=2)

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(compaction, cut, power_cut)
        with pytest.raises(KeyboardInterrupt):
            compact_frames(house, PROJECT)
    assert read_frames(house, PROJECT) == records, "a frame in two tables is read once"

    done = compact_frames(house, PROJECT)

    assert (done["accepted"], done["set_aside"]) == (2, {})
    assert read_frames(house, PROJECT) == records
    assert tables(house) == [layout.frames_table(PROJECT, TODAY, GATEWAY, 1, 2)]


def test_a_reader_goes_on_while_a_table_is_replaced(
    house: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seq in (1, 2):
        send(house, [record(seq)], seq=seq)
        compact_frames(house, PROJECT)
    get, asked = house.get, []

    def replaced_meanwhile(key: str) -> bytes:
        asked.append(key)
        if len(asked) == 1:
            raise ObjectMissing(key)
        return get(key)

    monkeypatch.setattr(house, "get", replaced_meanwhile)
    assert [one.window for one in read_frames(house, PROJECT)] == [N, 2 * N]
    assert len(asked) == 2


def test_late_files_wait_for_a_look_at_all_days(house: Store) -> None:
    old = NOW - timedelta(days=5)
    late = send(house, [record(0, received_at=old.isoformat())], date=f"{old:%Y-%m-%d}")
    fresh = send(house, [record(1)])
    assert recent_frames(house, PROJECT) == [fresh.id]
    assert outstanding_frames(house, PROJECT) == [late.id, fresh.id]
    assert compact_frames(house, PROJECT)["accepted"] == 2


def test_objects_that_are_no_files_of_frames_are_left_alone(house: Store) -> None:
    for key in (
        layout.frames_object(PROJECT, "2026-02-31", "a", 1),
        layout.frames_object(PROJECT, "2026-01-01", "a", 1) + ".txt",
        layout.frames(PROJECT, "2026-01-01") + "notes.txt",
    ):
        house.put(key, b"?")
    assert outstanding_frames(house, PROJECT) == []


def test_names_from_outside_build_no_keys(house: Store) -> None:
    hostile: list[FrameRecord] = [
        record(0, version="../../exercise_watch/current"),
        record(1, device="../x"),
        record(2, version="v9"),
    ]
    send(house, hostile)
    set_aside = compact_frames(house, PROJECT)["set_aside"]
    assert set_aside == {"unreadable record": 2, "unknown release": 1}
