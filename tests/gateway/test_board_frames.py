"""Frames of a virtual board (real firmware in QEMU) reach S3 once, whatever ends the gateway."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from tests.support.chip import HOP, request, sketch
from tests.support.gateway.gateway_bench import (
    DEVICE,
    PROJECT,
    Bench,
    release,
    renamed,
    running,
    wait_for,
)
from tests.support.gateway.gateway_wire import CuttableWire
from tests.support.image_cache import build_once
from tinyops.boards.image import Image
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.gateway.config import load_config
from tinyops.gateway.service import Gateway
from tinyops.sketches.frames import FIRST, FrameRecord, decode_records
from tinyops.store import Store, edge_layout, layout

pytestmark = pytest.mark.slow

COUNTED = sketch().frame_windows
FRAME = COUNTED * sketch().every
"""Windows until a device has finished a frame."""

DYING = """
import os, sys
from tinyops.cli.main import main
from tinyops.gateway.frame_queue import FrameQueue

point, left = sys.argv[1], int(sys.argv[2])
whole = getattr(FrameQueue, point)

def last(self, *arguments):
    global left
    left -= 1
    if left == 0 and point == "sent":
        os.kill(os.getpid(), 9)
    done = whole(self, *arguments)
    if left == 0:
        os.kill(os.getpid(), 9)
    return done

setattr(FrameQueue, point, last)
main(["gateway", "run", "--config", sys.argv[3]])
"""


class Rationed:
    """Noise for as many windows as are granted, so that a device's ring never runs over."""

    def __init__(self) -> None:
        self.granted = 0
        self._noise = np.random.default_rng(5)

    def grant(self, windows: int) -> None:
        self.granted += windows

    def read(self, frames: int) -> NDArray[np.int16] | None:
        if self.granted == 0:
            return None
        self.granted -= 1
        return self._noise.integers(-140, 140, (frames, 1)).astype(np.int16)

    def restart(self) -> None:
        """Goes on."""


class Counting(Bench):
    """A bench whose board counts, of as many windows as it is granted."""

    source: Rationed

    def records(self) -> list[FrameRecord]:
        found = []
        for row in self.store.objects(layout.frames(PROJECT)):
            records, problems = decode_records(self.store.get(row.key))
            assert problems == []
            found += records
        return found

    def windows(self) -> list[int]:
        return [record.window for record in self.records()]


@pytest.fixture(scope="module")
def counting_image() -> Image:
    return build_once(request(project=PROJECT)).image


@pytest.fixture
def bench(bench: Bench, counting_image: Image, tmp_path: Path) -> Iterator[Counting]:
    """The folder's bench with a board that senses, at v1 and idle; its gateway is stopped."""
    bench.board.stop()
    content = yaml.safe_load(bench.config.read_text()) | {"frame_seconds": 0.2, "poll_seconds": 0.3}
    bench.config.write_text(yaml.safe_dump(content))
    source = Rationed()
    sensor = VirtualSensor(source, rate_hz=200.0 * HOP)
    with Nano33Ble(bench.board.port, tmp_path / "counting", sensor) as board:
        made = Counting(bench.store, board, bench.config)
        made.place(counting_image)
        made.source = source
        release(made.store, counting_image)
        with running(made.gateway()):
            wait_for(lambda: made.saw("attested", "v1"), "v1 attested")
        yield made


def test_frames_of_a_board_arrive_with_their_reference_and_a_new_image_begins_anew(
    bench: Counting, counting_image: Image
) -> None:
    second = renamed(counting_image, "v2")
    with running(bench.gateway()):
        bench.source.grant(FRAME * 3 + 5)
        wait_for(lambda: len(bench.windows()) == 3, "three frames in S3")
        release(bench.store, second)
        wait_for(lambda: bench.saw("attested", "v2"), "v2 attested")
        bench.source.grant(FRAME * 2)
        wait_for(lambda: len(bench.windows()) == 5, "two more in S3")
    found = bench.records()
    assert [record.window for record in found] == [0, COUNTED, 2 * COUNTED, 0, COUNTED]
    assert [record.version for record in found] == ["v1"] * 3 + ["v2"] * 2
    assert found[0].epoch == found[2].epoch < found[3].epoch == found[4].epoch
    assert [record.sketch().flags for record in found] == [FIRST, 0, 0, FIRST, 0]
    assert all(record.sketch().n == sum(record.sketch().classes) == COUNTED for record in found)
    assert {record.reference_tag for record in found} == {counting_image.header.reference_tag}
    status = bench.store.get_json(edge_layout.gateway_status("bench"))["devices"][DEVICE]["frames"]
    assert (status["sent"], status["waiting"], status["refused"]) == (5, 0, {})


@pytest.mark.parametrize("point", ["add", "sent"])
def test_killed_between_two_steps_no_frame_is_lost_or_doubled(
    bench: Counting, tmp_path: Path, point: str
) -> None:
    """`add`: the frame is in the journal, the device not told. `sent`: in S3, not yet forgotten."""
    bench.source.grant(FRAME * 4)
    command = [sys.executable, "-c", DYING, point, "2", str(bench.config)]
    with (tmp_path / "gateway.log").open("wb") as log:
        dying = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        if point == "sent":
            wait_for(lambda: len(bench.windows()) >= 1, "the first frames in S3")
            bench.source.grant(FRAME)
        assert dying.wait(60) == -9, (tmp_path / "gateway.log").read_text()
    finally:
        dying.kill()
        dying.wait()
    before = {
        row.key: bench.store.get(row.key)
        for row in bench.store.objects(layout.frames("demo_project"))
    }
    bench.source.grant(FRAME * 2)
    count = 7 if point == "sent" else 6
    with running(bench.gateway()):
        wait_for(lambda: len(bench.windows()) >= count, "all frames in S3")
    assert bench.windows() == [COUNTED * number for number in range(count)]
    assert len({record.epoch for record in bench.records()}) == 1
    assert {key: bench.store.get(key) for key in before} == before
    assert before or point == "add"
    status = bench.store.get_json(edge_layout.gateway_status("bench"))["devices"][DEVICE]["frames"]
    assert (status["sent"], status["refused"]) == (count, {})


def test_frames_pile_up_while_s3_is_down_and_arrive_in_order(bench: Counting) -> None:
    endpoint = bench.store.client.meta.endpoint_url
    with (
        CuttableWire(endpoint) as wire,
        running(Gateway(load_config(bench.config), wire.store())) as gateway,
    ):
        bench.source.grant(FRAME * 2)
        wait_for(lambda: len(bench.windows()) == 2, "two frames in S3")
        wire.cut()
        for number in range(3, 6):
            bench.source.grant(FRAME)
            there = (number - 1) * COUNTED
            wait_for(lambda there=there: reached(gateway) == there, "fetched without S3")
        assert len(bench.windows()) == 2
        wire.mend()
        wait_for(lambda: len(bench.windows()) == 5, "the others in S3")
    assert bench.windows() == [COUNTED * number for number in range(5)]


def reached(gateway: Gateway) -> int:
    position = gateway._frames.position(DEVICE)
    assert position is not None
    return position.window


def test_a_gateway_without_its_memory_goes_on_under_a_new_epoch(
    bench: Counting, released_store: Store
) -> None:
    with running(bench.gateway()):
        bench.source.grant(FRAME * 2)
        wait_for(lambda: len(bench.windows()) == 2, "two frames in S3")
    for path in (bench.config.parent / "gateway").glob("journal.db*"):
        path.unlink()
    first = bench.records()[0].epoch
    wait_for(lambda: time.time() >= first + 1, "another second, which is what epochs are made of")
    with running(bench.gateway()):
        bench.source.grant(FRAME)
        wait_for(lambda: len(bench.windows()) == 3, "one more in S3")
    found = bench.records()
    assert [record.window for record in found] == [0, COUNTED, 2 * COUNTED]
    assert found[0].epoch == found[1].epoch < found[2].epoch
