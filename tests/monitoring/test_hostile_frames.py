"""Files below `frames/` that no gateway would send: each is counted, and none stops the others."""

from __future__ import annotations

import json
import struct
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
import zstandard

from tests.support import frame_makers as made
from tests.support.frame_makers import (
    DEVICE,
    GATEWAY,
    PROJECT,
    SKETCH,
    TODAY,
    list_devices,
    record,
    send,
)
from tinyops.monitoring import compaction, frame_inbox, frame_passes, frame_suite
from tinyops.monitoring.compaction import compact_frames
from tinyops.monitoring.device_binding import FOREIGN_DEVICE, UNKNOWN_DEVICE
from tinyops.monitoring.frame_inbox import FrameFile, outstanding_frames
from tinyops.monitoring.known_devices import SHOWN_A_GATEWAY, KnownDevices
from tinyops.monitoring.table import read_frames
from tinyops.sketches.frames import LARGEST_OBJECT, MOST_RECORDS, encode_records
from tinyops.store import Store, StoreError, edge_layout, layout

pytestmark = pytest.mark.slow


@pytest.fixture
def house(store: Store) -> Store:
    """A store with one release."""
    made.release(store)
    return store


def packed(*pieces: bytes) -> bytes:
    return zstandard.compress(b"".join(struct.pack("<I", len(one)) + one for one in pieces))


def json_record(text: bytes) -> bytes:
    return struct.pack("<H", len(text)) + text + SKETCH.pack()


def fields(**changes: Any) -> bytes:
    size = record().pack()[0] + 256 * record().pack()[1]
    content = json.loads(record().pack()[2 : 2 + size]) | changes
    return json.dumps(content).encode()


UNREADABLE_FILES = {
    "empty records beyond count": zstandard.compress(bytes(4 * 15_700_000)),
    "more records than a gateway sends": encode_records([record()] * (MOST_RECORDS + 1)),
    "a header that promises too much": zstandard.compress(bytes(LARGEST_OBJECT + 1)),
    "no header, too much": zstandard.ZstdCompressor(write_content_size=False).compress(
        bytes(LARGEST_OBJECT + 1)
    ),
    "two frames of Zstandard": encode_records([record()]) * 2,
    "larger than any file": bytes(LARGEST_OBJECT + 1),
    "another format": b"PAR1" * 40,
}
UNREADABLE_RECORDS = {
    "null": b"null",
    "a list": b"[]",
    "brackets": b"[" * 60_000,
    "invalid UTF-8": b"\xff\xfe\x00",
    "missing keys": b"{}",
    "a huge int": fields(epoch=1).replace(b'"epoch": 1', b'"epoch": ' + b"9" * 5000),
    "NaN": fields(window=1).replace(b'"window": 1', b'"window": NaN'),
    "escape": fields(device="\x1b[31mx"),
    "line feed": fields(device="x\n"),
    "markup": fields(device="[red]x"),
    "script": fields(device="</script><script>alert(1)</script>"),
    "space": fields(device="press 7"),
    "surrogate": fields(version="\ud800"),
    "a time with more than a time": fields(received_at="2026-10-01\x1b10:00:00+00:00"),
    "no hash": fields(model_sha256="$(reboot)"),
}


def test_no_file_stops_the_others_and_each_is_counted(house: Store) -> None:
    list_devices(house, GATEWAY, [DEVICE])
    contents = [*UNREADABLE_FILES.values(), packed(*map(json_record, UNREADABLE_RECORDS.values()))]
    for seq, content in enumerate(contents):
        house.put(FrameFile(TODAY, GATEWAY, seq).key(PROJECT), content)
    send(house, [record(1)], seq=99)

    done = compact_frames(house, PROJECT)

    unreadable = {
        "unreadable file": len(UNREADABLE_FILES),
        "unreadable record": len(UNREADABLE_RECORDS),
    }
    assert done["set_aside"] == unreadable
    assert (done["files"], done["accepted"]) == (len(contents) + 1, 1)
    assert outstanding_frames(house, PROJECT) == []
    for row in house.objects(layout.quarantines(PROJECT)):
        assert row.size < 20_000, row.key


def test_frames_are_not_set_aside_for_what_s3_refuses(
    house: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(house, [record(0)])
    get = house.get

    def refused(key: str, most: int | None = None) -> bytes:
        if layout.is_frames_object(key):
            raise StoreError("S3 refused the keys", "check AWS keys")
        return get(key, most)

    with monkeypatch.context() as patch:
        patch.setattr(house, "get", refused)
        with pytest.raises(StoreError, match="refused the keys"):
            compact_frames(house, PROJECT)
    assert compact_frames(house, PROJECT)["accepted"] == 1


def test_a_small_file_takes_little_memory() -> None:
    bomb = UNREADABLE_FILES["empty records beyond count"]
    assert len(bomb) < 5000
    from tinyops.sketches.frames import FrameError, decode_records

    tracemalloc.start()
    with pytest.raises(FrameError, match="62800000 bytes unpacked"):
        decode_records(bomb)
    many = zstandard.compress(bytes(LARGEST_OBJECT))
    with pytest.raises(FrameError, match="more than 1000 records"):
        decode_records(many)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * LARGEST_OBJECT


def test_reasons_of_a_bad_file_stay_short(house: Store) -> None:
    bad = [record(0, received_at="2020-01-01T00:00:00+00:00")] * MOST_RECORDS
    file = send(house, bad)
    assert compact_frames(house, PROJECT)["set_aside"] == {"older than retention": MOST_RECORDS}
    reason = house.get_json(layout.quarantine_reason(PROJECT, layout.frames_input(file.id)))
    assert reason["counts"] == {"older than retention": MOST_RECORDS}
    assert len(reason["frames"]) == compaction.SHOWN_FRAMES
    [results] = house.objects(layout.report(PROJECT, "frames"))  # type: ignore[arg-type]
    assert results.size < 100_000


def test_tables_are_nobodys_but_monitors(house: Store) -> None:
    """What lies beside the files is not read: junk, and the table of another day as it was."""
    send(house, [record(0)])
    [table] = compact_frames(house, PROJECT)["tables"]
    forged = house.get(table)
    beside = layout.frames(PROJECT, TODAY, GATEWAY)
    for name in ("000000000001-000000000009.parquet", "junk.parquet"):
        house.put(beside + name, forged if name[0] == "0" else b"PAR1")
    house.put(layout.frame_tables(PROJECT, TODAY, GATEWAY) + "junk.parquet", b"PAR1")
    send(house, [record(1)], seq=2)
    assert compact_frames(house, PROJECT)["accepted"] == 1
    assert len(read_frames(house, PROJECT)) == 2


def test_files_at_odd_places_are_left_alone(house: Store) -> None:
    content = encode_records([record()])
    for gateway in ("a b", "a..b", "..", "x" * 65, "[red]", "a=b", "ä"):
        folder = layout.frames(PROJECT, TODAY) + f"gateway={gateway}/"
        house.put(folder + f"{1:012d}.bin.zst", content)
    for key in ("date=9999-99-99/gateway=a", "date=٢٠٢٦-٠١-٠١/gateway=a", "gateway=a"):
        house.put(layout.frames(PROJECT) + f"{key}/{1:012d}.bin.zst", content)
    assert outstanding_frames(house, PROJECT) == []
    assert compact_frames(house, PROJECT)["files"] == 0


def test_days_without_end_are_not_looked_at(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_inbox, "MOST_DAYS", 2)
    for day in ("0001-01-01", "1999-12-31", "2020-01-01", "9999-12-31"):
        house.put(FrameFile(day, GATEWAY, 1).key(PROJECT), b"?")
    today = send(house, [record(0)])
    assert outstanding_frames(house, PROJECT) == [FrameFile("2020-01-01", GATEWAY, 1).id, today.id]
    assert compact_frames(house, PROJECT)["accepted"] == 1


def test_invented_and_foreign_devices_are_counted_and_not_judged(house: Store) -> None:
    invented = [record(0, device=f"ghost-{number}") for number in range(300)]
    send(house, [record(0)])
    house.put(FrameFile(TODAY, GATEWAY, 2).key(PROJECT), encode_records(invented))
    house.put(
        FrameFile(TODAY, "line-4", 1).key(PROJECT), encode_records([record(1, gateway="line-4")])
    )

    done = compact_frames(house, PROJECT)

    assert done["set_aside"] == {UNKNOWN_DEVICE: 300, FOREIGN_DEVICE: 1}
    assert {one.device for one in read_frames(house, PROJECT)} == {DEVICE}
    known = KnownDevices.read(house, PROJECT)
    assert len(known.set_aside) == SHOWN_A_GATEWAY + 1, "one gateway hides nothing of another"
    assert known.more == 300 - SHOWN_A_GATEWAY
    rows = [row for row in known.set_aside.values() if row["device"] == "ghost-0"]
    assert [(row["gateway"], row["frames"], row["reason"]) for row in rows] == [
        (GATEWAY, 1, UNKNOWN_DEVICE)
    ]


def test_a_gateway_cannot_list_devices_without_end(house: Store) -> None:
    ghosts = [f"ghost-{number:03d}" for number in range(300)]
    send(house, [record(0, device=name) for name in ghosts])
    done = compact_frames(house, PROJECT)
    assert (done["accepted"], done["set_aside"]) == (256, {UNKNOWN_DEVICE: 44})


def test_a_device_that_is_listed_later_is_judged_and_no_longer_shown(house: Store) -> None:
    house.put(FrameFile(TODAY, GATEWAY, 1).key(PROJECT), encode_records([record(0)]))
    assert compact_frames(house, PROJECT)["set_aside"] == {UNKNOWN_DEVICE: 1}
    assert KnownDevices.read(house, PROJECT).set_aside
    send(house, [record(1)], seq=2)
    assert compact_frames(house, PROJECT)["accepted"] == 1
    assert KnownDevices.read(house, PROJECT).set_aside == {}


def test_a_damaged_status_stops_no_gateway(house: Store) -> None:
    send(house, [record(0)])
    compact_frames(house, PROJECT)
    house.put(edge_layout.gateway_status(GATEWAY), b"[" * 100_000)
    house.put(edge_layout.GATEWAYS + "a b/status.json", b"{}")
    house.put(FrameFile(TODAY, GATEWAY, 2).key(PROJECT), encode_records([record(1)]))
    assert compact_frames(house, PROJECT)["accepted"] == 1


def test_a_gateway_that_sends_good_frames_without_end_has_a_limit(
    house: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_suite, "MOST_A_DAY", 3)
    send(house, [record(0), record(1)])
    compact_frames(house, PROJECT)
    send(house, [record(number) for number in range(1, 6)], seq=2)
    send(house, [record(0, gateway="line-9", device="press-9")], gateway="line-9")
    done = compact_frames(house, PROJECT)
    assert done["accepted"] == 2
    assert done["set_aside"] == {"sent twice": 1, "more than a gateway may send a day": 3}


def test_a_run_comes_to_its_verdicts(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_passes, "FILES_A_PASS", 1)
    monkeypatch.setattr(compaction, "RECORDS_A_RUN", 2)
    for seq in range(1, 4):
        send(house, [record(seq)], seq=seq)
    assert compact_frames(house, PROJECT)["files"] == 2
    assert len(outstanding_frames(house, PROJECT)) == 1


def test_a_flood_of_one_gateway_waits_behind_the_others(
    house: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_passes, "FILES_A_PASS", 2)
    monkeypatch.setattr(compaction, "FILES_A_RUN", 4)
    for seq in range(1, 6):
        send(house, [record(seq)], seq=seq)
    send(house, [record(0, gateway="line-9", device="press-9")], gateway="line-9")
    done = compact_frames(house, PROJECT)
    assert (done["files"], done["accepted"]) == (4, 4)
    assert [FrameFile.from_id(one).seq for one in outstanding_frames(house, PROJECT)] == [4, 5]
    assert read_frames(house, PROJECT, device="press-9")
    assert compact_frames(house, PROJECT)["accepted"] == 2
    assert datetime.now(UTC) > made.NOW
