"""One release on all four kinds of boards at once: each by its own bootloader, each attested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from gateway_bench import PROJECT, build_tiny, release, renamed, running, wait_for

from tinyops.boards.image import Image
from tinyops.boards.virtual import BOARDS
from tinyops.boards.virtual.board import VirtualBoard
from tinyops.gateway.config import load_config
from tinyops.gateway.service import Gateway
from tinyops.store import Store, layout

HIMAX = "himax-we1-plus"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    folder = tmp_path_factory.mktemp("images")
    return {board: build_tiny(board, folder / board) for board in BOARDS}


@pytest.fixture
def boards(tmp_path: Path) -> Iterator[dict[str, VirtualBoard]]:
    with ExitStack() as running_boards:
        yield {
            name: running_boards.enter_context(kind(tmp_path / name, tmp_path / f"{name}.state"))
            for name, kind in BOARDS.items()
        }


def configured(folder: Path) -> Path:
    devices = [
        {"id": name, "board": name, "port": str(folder / name), "project": PROJECT}
        for name in BOARDS
    ]
    times = {"poll_seconds": 0.3, "attest_seconds": 10, "retry_seconds": 0.1}
    path = folder / "gateway.yaml"
    path.write_text(yaml.safe_dump({"name": "bench", "devices": devices, **times}))
    return path


def rows(store: Store) -> dict[str, dict[str, str]]:
    status = store.get_json_or(layout.gateway_status("bench"), {"devices": {}})
    return {name: row for name, row in status["devices"].items()}


def running_version(store: Store) -> dict[str, str]:
    return {name: row["confirmed"] for name, row in rows(store).items()}


def test_one_release_reaches_every_kind_and_the_next_replaces_it(
    released_store: Store,
    tmp_path: Path,
    boards: dict[str, VirtualBoard],
    images: dict[str, Image],
) -> None:
    release(released_store, *images.values())
    with running(Gateway(load_config(configured(tmp_path)), released_store)):
        for version in ("v1", "v2"):
            if version == "v2":
                release(released_store, *(renamed(image, "v2") for image in images.values()))
            wait_for(
                lambda: "press RESET" in rows(released_store).get(HIMAX, {}).get("action", ""),
                "the gateway asks for a finger",
            )
            boards[HIMAX].press_reset()
            want = dict.fromkeys(BOARDS, version)
            wait_for(lambda want=want: running_version(released_store) == want, f"all on {version}")
    for name, board in boards.items():
        image = renamed(images[name], "v2")
        assert board.flash.read(image.offset, len(image.bytes)) == image.bytes
