"""A canary that fails on one of six boards stays on one of six boards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.support.gateway.gateway_bench import (
    PROJECT,
    TARGET,
    release,
    renamed,
    running,
    use_rings,
    wait_for,
)
from tinyops.boards.image import Image
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.fleet.devices import reported_devices
from tinyops.fleet.events import read_events
from tinyops.gateway.config import load_config
from tinyops.gateway.service import Gateway
from tinyops.releases.publish import roll_back_channel
from tinyops.releases.rollout import next_channel, place_of
from tinyops.store import Store

pytestmark = pytest.mark.slow

DEVICES = [f"bench-{number}" for number in range(6)]


@pytest.fixture
def gateway(released_store: Store, built: Image, tmp_path: Path) -> Iterator[Gateway]:
    """A running gateway of six boards that have v1 in their flash."""
    rows = [
        {
            "id": device,
            "board": "nano33ble-sense",
            "port": str(tmp_path / device),
            "project": PROJECT,
            "target": TARGET,
        }
        for device in DEVICES
    ]
    content = {"name": "bench", "poll_seconds": 0.3, "metrics_port": 0, "devices": rows}
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(content))
    with ExitStack() as boards:
        for device in DEVICES:
            board = boards.enter_context(Nano33Ble(tmp_path / device, tmp_path / f"{device}.state"))
            board.flash.write(built.offset, built.bytes)
            board.press_reset()
        yield boards.enter_context(running(Gateway(load_config(config), released_store)))


def canary(version: str) -> str:
    """Write rings of which the first holds one device for this version; returns the device."""
    salt = next_channel(None, PROJECT, version, [1.0]).salt
    first, second, *_ = sorted(DEVICES, key=lambda device: place_of(device, salt))
    use_rings((place_of(first, salt) + place_of(second, salt)) / 2, 1.0)
    return first


def test_a_fix_and_a_rollback_leave_the_bad_version_on_its_one_board(
    gateway: Gateway, released_store: Store, built: Image
) -> None:
    def runs(**expected: int) -> None:
        """Wait until so many devices have attested each version, and S3 knows it."""

        def reported() -> Counter[str]:
            devices = reported_devices(released_store, PROJECT).values()
            return Counter(device.attested for device in devices)

        wait_for(lambda: reported() == expected, f"{expected}", pause=0.1)

    def flashed() -> dict[str, set[str]]:
        """Devices that each version was ever written to."""
        found: dict[str, set[str]] = {}
        for stored in read_events(released_store, "bench"):
            if stored.event.kind == "flashing":
                found.setdefault(stored.event.version, set()).add(stored.event.device)
        return found

    release(released_store, built)
    runs(v1=6)
    victim = canary("v2-bad")
    release(released_store, renamed(built, "v2-bad"))
    runs(v1=5, **{"v2-bad": 1})
    tester = canary("v3-fix")
    release(released_store, renamed(built, "v3-fix"))
    runs(v1=5, **{"v3-fix": 1})
    roll_back_channel(released_store, PROJECT)
    runs(v1=6)
    assert flashed() == {"v1": {victim, tester}, "v2-bad": {victim}, "v3-fix": {tester}}
