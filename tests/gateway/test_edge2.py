"""A real image on a virtual Edge 2, which loses its counts whenever its port is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from tests.support.chip import HOP, request, sketch
from tests.support.gateway.gateway_bench import (
    DEVICE,
    PROJECT,
    build_tiny,
    release,
    running,
    wait_for,
)
from tests.support.image_cache import build_once
from tinyops.boards.catalogue import load_board
from tinyops.boards.drivers import svl
from tinyops.boards.virtual.edge2 import Edge2
from tinyops.boards.virtual.sensor import VirtualSensor
from tinyops.gateway import worker
from tinyops.gateway.config import load_config
from tinyops.gateway.service import Gateway
from tinyops.sketches.frames import FIRST, FrameRecord, decode_records
from tinyops.store import Store, edge_layout, layout

pytestmark = pytest.mark.slow

BOARD = load_board("sparkfun-edge2")
FRAMES = 4


class Noise:
    """Random samples without end."""

    def __init__(self) -> None:
        self._noise = np.random.default_rng(5)

    def read(self, frames: int) -> NDArray[np.int16]:
        return self._noise.integers(-140, 140, (frames, 1)).astype(np.int16)

    def restart(self) -> None:
        """Goes on."""


def written(folder: Path, **change: float) -> Path:
    """The configuration of a gateway for a virtual Edge 2."""
    device = {"id": DEVICE, "board": BOARD.name, "port": str(folder / "ttyVIRTUAL0")}
    content = {
        "name": "bench",
        "poll_seconds": 0.3,
        "attest_seconds": 10,
        "watch_seconds": 0.3,
        "frame_seconds": 0.2,
        "retry_seconds": 0.1,
        "retry_max_seconds": 0.5,
        "devices": [device | {"project": PROJECT}],
    }
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump(content | change))
    return path


def test_its_counts_grow_from_visit_to_visit(released_store: Store, tmp_path: Path) -> None:
    image = build_once(request(board=BOARD.name, project=PROJECT)).image
    port = tmp_path / "ttyVIRTUAL0"
    config = load_config(written(tmp_path))
    release(released_store, image)
    with (
        Edge2(port, tmp_path / "state", VirtualSensor(Noise(), rate_hz=25.0 * HOP)),
        running(Gateway(config, released_store)) as gateway,
    ):
        wait_for(lambda: len(records(released_store)) >= FRAMES, "frames in S3")
        sight = gateway.workers[0].rest.sight
    found = records(released_store)
    assert len({record.epoch for record in found}) == 1
    counted = sketch().frame_windows
    assert [record.window for record in found] == [counted * n for n in range(len(found))]
    assert [record.sketch().flags for record in found] == [FIRST, *[0] * (len(found) - 1)]
    assert len({record.received_at for record in found}) > 1
    assert sight is not None
    assert sight.hello.windows >= counted * sketch().every


def records(store: Store) -> list[FrameRecord]:
    rows = store.objects(layout.frames(PROJECT))
    return [record for row in rows for record in decode_records(store.get(row.key))[0]]


class Unwired(Edge2):
    """Its adapter's DTR leads nowhere until `wired`."""

    wired = False

    def _opened(self) -> None:
        if self.wired:
            super()._opened()


def test_a_board_that_waits_for_a_person_says_so_and_keeps_its_chance(
    released_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FLASH_TRIES", 1)
    monkeypatch.setattr(svl, "SESSIONS", 2)
    image = build_tiny(BOARD.name)
    config = load_config(written(tmp_path))
    release(released_store, image)
    with (
        Unwired(tmp_path / "ttyVIRTUAL0", tmp_path / "state") as board,
        running(Gateway(config, released_store)),
    ):
        wait_for(lambda: "press RESET" in action(released_store), "the person asked")
        wait_for(lambda: "error" in kinds(released_store), "the silence reported")
        assert kinds(released_store) == ["flashing", "action_needed", "error"]
        assert "press RESET" in action(released_store)
        board.wired = True
        wait_for(lambda: "attested" in kinds(released_store), "attested")
    assert kinds(released_store)[3:] == ["flashed", "attested"]
    assert action(released_store) == ""


def action(store: Store) -> str:
    status = store.get_json_or(edge_layout.gateway_status("bench"), {})
    return str(status["devices"][DEVICE]["action"]) if status else ""


def kinds(store: Store) -> list[str]:
    rows = sorted(row.key for row in store.objects(edge_layout.gateway_events("bench")))
    return [store.get_json(key)["kind"] for key in rows]
