"""Frames that lie, from a scripted device: counted, reported, dropped, never taken for good."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.gateway.frame_device import HEADER, ScriptedDevice, frame, resealed
from tests.support.gateway.gateway_bench import DEVICE, PROJECT, TARGET, renamed, running, wait_for
from tinyops.boards.image import Image
from tinyops.cli.main import main
from tinyops.fleet.event import Event
from tinyops.gateway.config import load_config
from tinyops.gateway.database import Database
from tinyops.gateway.images import ImageStore
from tinyops.gateway.journal import DeviceState, ImageName, Journal
from tinyops.gateway.service import Gateway
from tinyops.sketches.frames import FIRST, LOST, SATURATED, FrameRecord, decode_records
from tinyops.store import Store, edge_layout, layout, sha256_hex

pytestmark = pytest.mark.slow


class Stand:
    """A gateway whose device has attested `image`."""

    def __init__(self, store: Store, folder: Path, image: Image) -> None:
        self.store = store
        self.header = image.header
        self.port = folder / "ttySCRIPTED0"
        self.config = folder / "gateway.yaml"
        content = {
            "name": "bench",
            "state": "gateway",
            "trusted_root": "root.json",
            "poll_seconds": 0.2,
            "watch_seconds": 1,
            "frame_seconds": 0.1,
            "retry_seconds": 0.1,
            "retry_max_seconds": 0.3,
            "devices": [
                {"id": DEVICE, "board": "nano33ble-sense", "port": str(self.port)}
                | {"project": PROJECT, "target": TARGET}
            ],
        }
        self.config.write_text(yaml.safe_dump(content))
        self.confirm(image)

    def confirm(self, image: Image) -> None:
        state = self.config.parent / "gateway"
        name = ImageName(image.header.version, sha256_hex(image.bytes))
        ImageStore(state / "images").path(name.sha256).write_bytes(image.bytes)
        database = Database(state / "journal.db")
        Journal(database).record(DeviceState(DEVICE, PROJECT, confirmed=name))
        database.close()

    def gateway(self) -> Gateway:
        return Gateway(load_config(self.config), self.store)

    def device(self) -> ScriptedDevice:
        return ScriptedDevice(self.port, self.header)

    def frame(self, window: int, flags: int = 0, **change: int) -> bytes:
        return frame(self.header, window, flags, **change)

    def records(self) -> list[FrameRecord]:
        found = []
        for row in self.store.objects(layout.frames(PROJECT)):
            records, problems = decode_records(self.store.get(row.key))
            assert problems == []
            found += records
        return found

    def status(self) -> dict[str, object]:
        return self.store.get_json(edge_layout.gateway_status("bench"))["devices"][DEVICE]["frames"]

    def refusals(self) -> list[Event]:
        rows = self.store.objects(edge_layout.gateway_events("bench"))
        events = [Event(**self.store.get_json(row.key)) for row in rows]
        return [event for event in events if event.kind == "frames_refused"]


@pytest.fixture(scope="module")
def image(built: Image) -> Image:
    return renamed(built, "v1", reference_tag=HEADER.reference_tag)


@pytest.fixture
def stand(store: Store, tmp_path: Path, image: Image) -> Stand:
    return Stand(store, tmp_path, image)


@pytest.fixture
def device(stand: Stand) -> Iterator[ScriptedDevice]:
    with stand.device() as device:
        yield device


def test_good_frames_arrive_once_and_in_order_with_what_the_gateway_knows(
    stand: Stand,
    device: ScriptedDevice,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device.ring = [stand.frame(16 * number, 0 if number else FIRST) for number in range(8)]
    with running(stand.gateway()):
        wait_for(lambda: not device.ring, "the frames fetched")
        device.ring += [stand.frame(128), stand.frame(160, LOST), stand.frame(0, FIRST)]
        wait_for(lambda: not device.ring, "more fetched")
    found = stand.records()
    assert [record.window for record in found] == [*range(0, 144, 16), 160, 0]
    assert len({record.epoch for record in found[:-1]}) == 1
    assert found[-1].epoch > found[0].epoch
    first = found[0]
    assert (first.gateway, first.device, first.project) == ("bench", DEVICE, PROJECT)
    assert (first.target, first.virtual, first.version) == (TARGET, True, "v1")
    assert first.model_sha256 == stand.header.model_sha256
    assert first.reference_tag == HEADER.reference_tag
    status = stand.status()
    assert (status["sent"], status["waiting"], status["refused"]) == (11, 0, {})
    assert (status["at"], status["window"]) == (found[-1].received_at, 0)
    assert stand.refusals() == []
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["gateway", "status"]) == 0
    assert {"11 sent, 0 waiting", DEVICE} <= set(re.split(r" *│ *", capsys.readouterr().out))


def test_bad_frames_are_counted_by_reason_and_reported_once(
    stand: Stand, device: ScriptedDevice
) -> None:
    good = [stand.frame(0, FIRST), stand.frame(16, SATURATED), stand.frame(64), stand.frame(96)]
    bad = {
        "damaged": [good[2][:-1] + b"\0", b"\x12" + good[2][1:], bytes(48)],
        "impossible counts": [resealed(good[2], 7, 17), resealed(good[2], 39, 1)],
        "another model or reference": [
            stand.frame(64, model=(good[0][1] + 1) % 256),
            stand.frame(64, reference=(good[0][2] + 1) % 256),
        ],
        "overlaps the one before": [stand.frame(20), stand.frame(16, n=3)],
        "replayed or reordered": [stand.frame(0), stand.frame(48)],
    }
    device.ring = [
        *good[:2],
        *bad["damaged"],
        *bad["impossible counts"],
        *bad["another model or reference"],
        *bad["overlaps the one before"],
        good[2],
        *bad["replayed or reordered"],
        good[3],
    ]
    with running(stand.gateway()):
        wait_for(lambda: not device.ring, "the frames fetched")
    assert [record.frame for record in stand.records()] == good
    assert stand.status()["refused"] == {reason: len(each) for reason, each in bad.items()}
    told = stand.refusals()
    assert sorted(event.detail.split(":")[0] for event in told) == sorted(bad), "each once"
    assert {(event.device, event.version) for event in told} == {(DEVICE, "v1")}


def test_a_frame_that_comes_again_and_again_is_kept_once(
    stand: Stand, device: ScriptedDevice
) -> None:
    with running(stand.gateway()):
        for _ in range(4):
            device.ring.append(stand.frame(0, FIRST))
            wait_for(lambda: not device.ring, "the frame fetched")
        device.ring.append(stand.frame(16))
        wait_for(lambda: not device.ring, "the next one fetched")
    assert [record.window for record in stand.records()] == [0, 16]
    assert stand.status()["refused"] == {"duplicate": 3}
    assert len(stand.refusals()) == 1


def test_a_reply_that_is_no_frame_is_counted_and_the_gateway_goes_on(
    stand: Stand, device: ScriptedDevice
) -> None:
    with running(stand.gateway()):
        device.ring = [b"short"]
        wait_for(lambda: device.asked >= 3, "asked again")
        device.ring = [stand.frame(0, FIRST)]
        wait_for(lambda: not device.ring, "the good frame fetched")
    assert len(stand.records()) == 1
    assert list(stand.status()["refused"]) == ["not a frame's size"]
    assert len(stand.refusals()) == 1


def test_a_device_without_frames_is_asked_once(stand: Stand, device: ScriptedDevice) -> None:
    device.knows_frames = False
    with running(stand.gateway()) as gateway:
        wait_for(lambda: device.asked > 0, "asked")
        looked = gateway.workers[0].rest.sight
        wait_for(lambda: gateway.workers[0].rest.sight is not looked, "looked at again")
    assert device.asked == 1
    assert stand.status()["refused"] == {}


def test_without_a_reference_no_device_is_asked(store: Store, tmp_path: Path, built: Image) -> None:
    stand = Stand(store, tmp_path, renamed(built, "v1"))
    with stand.device() as device, running(stand.gateway()) as gateway:
        wait_for(lambda: gateway.workers[0].rest.sight is not None, "looked at")
        looked = gateway.workers[0].rest.sight
        wait_for(lambda: gateway.workers[0].rest.sight is not looked, "looked at again")
    assert device.asked == 0


def test_while_the_disk_is_full_the_device_keeps_its_frames(
    stand: Stand, device: ScriptedDevice
) -> None:
    gateway = stand.gateway()
    database = gateway._database
    ((pages,),) = database.rows("PRAGMA page_count")
    with running(gateway):
        wait_for(lambda: gateway.workers[0].rest.sight is not None, "looked at")
        database.rows(f"PRAGMA max_page_count = {pages}")  # SQLite then finds the disk full
        device.ring = [stand.frame(16 * number, 0 if number else FIRST) for number in range(200)]
        wait_for(lambda: "full" in gateway.workers[0].full, "the full disk noticed")
        assert device.ring
        database.rows("PRAGMA max_page_count = 1000000")
        wait_for(lambda: not device.ring, "the rest fetched")
        assert gateway.workers[0].full == ""
    assert [record.window for record in stand.records()] == [16 * n for n in range(200)]
    assert stand.status()["refused"] == {}
