"""A gateway whose clock is wrong at boot: it says so, loses no frame and dates them right."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.gateway.test_frame_queue import add, record
from tests.gateway.test_hostile_frames import Stand
from tests.support.gateway.frame_device import HEADER
from tests.support.gateway.gateway_bench import release, renamed, wait_for
from tests.support.gateway.gateway_wire import CuttableWire
from tests.support.gateway.virtual_fleet import GatewayProcess
from tests.support.wrong_clock import clock_library
from tinyops.boards.image import Image
from tinyops.fleet.event import Event
from tinyops.gateway.database import Database
from tinyops.gateway.frame_dates import SinceBoot
from tinyops.gateway.frame_queue import FrameQueue
from tinyops.sketches.frames import decode_records
from tinyops.store import Store, edge_layout

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


class Machine:
    """Clock and boot of a gateway, and its queue as it is opened after each start."""

    def __init__(self, folder: Path) -> None:
        self.boot = SinceBoot("first", 100.0)
        self.time = NOON.timestamp()
        self._path = folder / "journal.db"
        self.queue = self._opened()

    def reboot(self, name: str, at: datetime) -> None:
        self.boot, self.time = SinceBoot(name, 10.0), at.timestamp()
        self.queue = self._opened()

    def later(self, seconds: float) -> None:
        self.boot = replace(self.boot, seconds=self.boot.seconds + seconds)
        self.time += seconds

    def add(self, number: int) -> None:
        at = datetime.fromtimestamp(self.time, UTC).isoformat()
        add(self.queue, replace(record(number), received_at=at))

    def upload(self) -> tuple[str, list[datetime]]:
        made = self.queue.next_object(seal=True)
        assert made is not None
        self.queue.sent(made.number)
        records, problems = decode_records(made.content)
        assert problems == []
        return made.key, [datetime.fromisoformat(record.received_at) for record in records]

    def _opened(self) -> FrameQueue:
        database = Database(self._path)
        return FrameQueue(database, "bench", 1000, lambda: self.time, lambda: self.boot)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("wrong", [datetime(1970, 1, 1, tzinfo=UTC), NOON + timedelta(days=3650)])
def test_frames_of_this_boot_get_the_date_that_the_right_clock_gives(
    machine: Machine, wrong: datetime
) -> None:
    machine.time = wrong.timestamp()
    machine.add(0)
    machine.later(3600)
    machine.add(1)
    machine.later(60)
    machine.time = NOON.timestamp()  # a time server was reached
    machine.add(2)
    key, dates = machine.upload()
    assert dates == [NOON - timedelta(seconds=3660), NOON - timedelta(seconds=60), NOON]
    assert "date=2026-12-01" in key


def test_frames_of_an_earlier_boot_are_dated_by_what_that_boot_knew(machine: Machine) -> None:
    machine.add(0)
    machine.upload()  # the clock is known
    machine.later(50)
    machine.time = 0.0  # and then set wrong
    machine.add(1)
    machine.reboot("second", NOON + timedelta(hours=1))
    machine.add(2)
    assert machine.upload()[1] == [NOON + timedelta(seconds=50), NOON + timedelta(hours=1)]


def test_frames_of_a_boot_without_a_right_clock_are_dated_before_the_next(machine: Machine) -> None:
    machine.time = 0.0
    machine.add(0)
    machine.reboot("second", NOON)
    assert machine.upload()[1] == [NOON - timedelta(seconds=10)]


def test_dates_of_a_right_clock_stay_as_they_are(machine: Machine) -> None:
    machine.add(0)
    machine.later(5000)
    machine.time += 30  # corrected a little
    machine.add(1)
    assert machine.upload()[1] == [NOON, NOON + timedelta(seconds=5030)]


@pytest.mark.slow
def test_a_gateway_that_boots_in_1976_blames_its_clock_and_loses_no_frame(
    released_store: Store, tmp_path: Path, built: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = renamed(built, "v1", reference_tag=HEADER.reference_tag)
    release(released_store, image)
    stand = Stand(released_store, tmp_path, image)
    root = Path(os.environ["TINYOPS_STATE"]) / "keys" / "root.json"
    content = yaml.safe_load(stand.config.read_text()) | {"trusted_root": str(root)}
    stand.config.write_text(yaml.safe_dump(content | {"metrics_port": 0}))
    offset = tmp_path / "offset"
    offset.write_text(str(-50 * 365 * 86400))
    began = time.time()
    with CuttableWire(released_store.client.meta.endpoint_url) as wire, stand.device() as device:
        wire.cut()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.endpoint)
        monkeypatch.setenv("LD_PRELOAD", str(clock_library()))
        monkeypatch.setenv("CLOCK_OFFSET_FILE", str(offset))
        device.ring = [stand.frame(16 * number) for number in range(3)]
        gateway = GatewayProcess(stand.config)
        gateway.start()
        try:
            wait_for(lambda: not device.ring, "the frames fetched", pause=0.05)
            wire.mend()
            wait_for(lambda: "clock is off" in gateway.log.read_text(), "the clock blamed")
            assert stand.records() == []
            offset.write_text("0")
            wait_for(lambda: len(stand.records()) == 3, "the frames in S3", pause=0.1)
            events = edge_layout.gateway_events("bench")
            wait_for(lambda: any(released_store.objects(events)), "the event in S3", pause=0.1)
        finally:
            gateway.kill()
    for one in stand.records():
        assert began - 60 < datetime.fromisoformat(one.received_at).timestamp() < time.time()
    (row,) = released_store.objects(events)
    event = Event(**released_store.get_json(row.key))
    assert event.kind == "error"
    assert "this machine's clock is off: 19" in event.detail
    assert "timedatectl" in event.detail
