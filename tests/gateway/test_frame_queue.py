"""Frames between a device and S3: none lost, none twice, and what had to go is counted."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.gateway.frame_device import HEADER, frame
from tinyops.gateway import frame_queue
from tinyops.gateway.database import Database, DiskFull
from tinyops.gateway.frame_dates import SinceBoot
from tinyops.gateway.frame_order import Position
from tinyops.gateway.frame_queue import FrameQueue
from tinyops.gateway.frame_upload import FrameUpload
from tinyops.sketches.frames import FrameRecord, decode_records
from tinyops.store import Store, StoreUnavailable, layout

RECEIVED = datetime.fromisoformat("2026-10-01T10:00:00+00:00").timestamp()
STARTED = time.monotonic()
WRITER = """
import os, sys
from pathlib import Path
sys.path[:0] = [str(Path(sys.argv[2]))]
from tests.gateway.test_frame_queue import filled
queue = filled(Path(sys.argv[1]), 5)
queue.next_object(True)
os.kill(os.getpid(), 9)
"""


def record(number: int, project: str = "demo", device: str = "d-1") -> FrameRecord:
    return FrameRecord(
        project=project,
        gateway="bench",
        device=device,
        board=HEADER.board,
        target=HEADER.target,
        version=HEADER.version,
        model_sha256=HEADER.model_sha256,
        reference_tag=HEADER.reference_tag,
        epoch=1,
        window=16 * number,
        received_at=f"2026-10-0{1 + number // 100}T10:00:00.{number:06d}+00:00",
        virtual=True,
        frame=frame(HEADER, 16 * number),
    )


def clock() -> float:
    """Goes on from the first records' date."""
    return RECEIVED + time.monotonic() - STARTED


def moment() -> SinceBoot:
    return SinceBoot("boot-1", 1e6)


def add(queue: FrameQueue, made: FrameRecord) -> int:
    position = Position("deadbeef", made.epoch, made.window, 16, made.frame)
    return queue.add(made, position)


def opened(path: Path, kept: int = 1000) -> FrameQueue:
    return FrameQueue(Database(path), "bench", kept, clock, moment)


def filled(path: Path, count: int, **options: int) -> FrameQueue:
    queue = opened(path, **options)
    for number in range(count):
        add(queue, record(number))
    return queue


def windows(content: bytes) -> list[int]:
    records, problems = decode_records(content)
    assert problems == []
    return [each.window // 16 for each in records]


def test_an_object_stays_the_same_until_it_is_sent(tmp_path: Path) -> None:
    queue = filled(tmp_path / "j.db", 5)
    assert queue.next_object(seal=False) is None
    first = queue.next_object(seal=True)
    assert first is not None
    assert windows(first.content) == [0, 1, 2, 3, 4]
    add(queue, record(5))
    assert queue.next_object(seal=True) == first
    assert opened(tmp_path / "j.db").next_object(seal=False) == first
    queue.sent(first.number)
    second = queue.next_object(seal=True)
    assert second is not None
    assert windows(second.content) == [5]
    assert second.number > first.number
    assert first.key == layout.frames_object("demo", "2026-10-01", "bench", first.number)
    queue.sent(second.number)
    assert queue.next_object(seal=True) is None
    assert (queue.counts("d-1").sent, queue.counts("d-1").waiting) == (6, 0)


def test_an_object_is_of_one_project_and_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_queue, "RECORDS_AN_OBJECT", 3)
    queue = opened(tmp_path / "j.db")
    for number in range(10):
        add(queue, record(number, project=("demo", "other")[number % 2]))
    sent = []
    while (made := queue.next_object(seal=True)) is not None:
        sent.append((made.key.split("/")[0], windows(made.content)))
        queue.sent(made.number)
    assert sent == [("demo", [0, 2, 4]), ("other", [1, 3, 5]), ("demo", [6, 8]), ("other", [7, 9])]


def test_everything_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    here = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", WRITER, str(path), here], check=False)
    assert done.returncode == -9
    queue = opened(path)
    made = queue.next_object(seal=False)
    assert made is not None
    assert windows(made.content) == [0, 1, 2, 3, 4]
    last = queue.position("d-1")
    assert last is not None
    assert (last.window, last.frame) == (64, record(4).frame)


def test_a_gateway_that_lost_its_memory_overwrites_nothing(tmp_path: Path) -> None:
    numbers = []
    for name in ("one.db", "two.db"):
        made = filled(tmp_path / name, 1).next_object(seal=True)
        assert made is not None
        numbers.append(made.number)
        time.sleep(0.02)  # numbers follow the clock in hundredths of a second
    assert numbers[1] > numbers[0]


def test_beyond_the_bound_the_oldest_go_and_are_counted(tmp_path: Path) -> None:
    queue = opened(tmp_path / "j.db", kept=4)
    assert [add(queue, record(number)) for number in range(3)] == [0, 0, 0]
    sealed = queue.next_object(seal=True)
    assert [add(queue, record(number)) for number in range(3, 8)] == [0, 1, 1, 1, 1]
    assert sealed is not None
    assert queue.next_object(seal=True) == sealed
    queue.sent(sealed.number)
    rest = queue.next_object(seal=True)
    assert rest is not None
    assert windows(rest.content) == [7]
    assert queue.counts("d-1").dropped == 4


def test_refusals_are_counted_by_device_and_reason(tmp_path: Path) -> None:
    queue = opened(tmp_path / "j.db")
    assert [queue.refuse("d-1", "damaged") for _ in range(3)] == [1, 2, 3]
    queue.refuse("d-1", "duplicate")
    queue.refuse("d-2", "damaged")
    assert opened(tmp_path / "j.db").counts("d-1").refused == {"damaged": 3, "duplicate": 1}


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "j.db")
    queue = FrameQueue(database, "bench", 10_000, clock, moment)
    ((pages,),) = database.rows("PRAGMA page_count")
    database.rows(f"PRAGMA max_page_count = {pages + 4}")  # SQLite then finds the disk full
    kept = iter(range(1000))
    with pytest.raises(DiskFull, match=r"j\.db.*full") as raised:
        any(add(queue, record(number % 100)) for number in kept)
    there = next(kept) - 1
    assert "make room" in raised.value.fix
    assert queue.counts("d-1").waiting == there
    database.rows("PRAGMA max_page_count = 1000000")
    add(queue, record(1))
    assert queue.counts("d-1").waiting == there + 1


def test_an_upload_that_fails_at_any_point_loses_and_doubles_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors before a put, after it (S3 has the object), and between put and delete."""
    monkeypatch.setattr(frame_queue, "RECORDS_AN_OBJECT", 4)
    chance = random.Random(3)
    path = tmp_path / "j.db"
    queue = filled(path, 0)
    put, sent = store.put, FrameQueue.sent

    def flaky_put(*arguments: str | bytes) -> str:
        if chance.random() < 0.2:
            raise StoreUnavailable("down")
        uri = put(*arguments)  # type: ignore[arg-type]
        if chance.random() < 0.2:
            raise StoreUnavailable("gone after it")
        return uri

    def flaky_sent(self: FrameQueue, number: int) -> None:
        if chance.random() < 0.2:
            raise StoreUnavailable("ended here")
        sent(self, number)

    monkeypatch.setattr(store, "put", flaky_put)
    monkeypatch.setattr(FrameQueue, "sent", flaky_sent)
    for number in range(100):
        add(queue, record(number))
        if chance.random() < 0.3:
            queue = opened(path)  # as after a crash
        FrameUpload(store, queue, 0.0).send()
    while queue.counts("d-1").waiting:
        FrameUpload(store, queue, 0.0).send()
    seen = [n for row in store.objects(layout.frames("demo")) for n in windows(store.get(row.key))]
    assert seen == list(range(100))
