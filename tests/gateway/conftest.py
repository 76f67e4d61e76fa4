"""A project, its first image and a bench: a virtual board with a gateway's configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.checkout import ROOT
from tests.support.gateway.gateway_bench import DEVICE, PROJECT, TARGET, Bench, build_tiny
from tinyops.boards.image import Image
from tinyops.boards.virtual.nano33ble import Nano33Ble
from tinyops.store import Store


@pytest.fixture(scope="session")
def built() -> Image:
    """Version v1: a real image of a tiny model."""
    return build_tiny("nano33ble-sense")


@pytest.fixture
def released_store(
    store: Store, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """A store, with the project and development keys to release into it."""
    projects = tmp_path_factory.mktemp("projects")
    example = ROOT / "include" / "projects" / "motor_health" / "project.yaml"
    content = yaml.safe_load(example.read_text()) | {"name": PROJECT}
    (projects / PROJECT).mkdir()
    (projects / PROJECT / "project.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("TINYOPS_PROJECTS", str(projects))
    monkeypatch.setenv("TINYOPS_STATE", str(tmp_path_factory.mktemp("state")))
    return store


@pytest.fixture
def bench(released_store: Store, tmp_path: Path) -> Iterator[Bench]:
    port = tmp_path / "ttyVIRTUAL0"
    device = {
        "id": DEVICE,
        "board": "nano33ble-sense",
        "port": str(port),
        "project": PROJECT,
        "target": TARGET,
    }
    content = {
        "name": "bench",
        "state": "gateway",
        "poll_seconds": 0.5,
        "attest_seconds": 5,
        "watch_seconds": 1,
        "retry_seconds": 0.1,
        "retry_max_seconds": 0.5,
        "devices": [device],
    }
    config = tmp_path / "gateway.yaml"
    config.write_text(yaml.safe_dump(content))
    with Nano33Ble(port, tmp_path / "board") as board:
        yield Bench(released_store, board, config)
