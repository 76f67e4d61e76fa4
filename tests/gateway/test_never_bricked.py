"""Whatever happens while they are flashed, boards end with a bootable image that attests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gateway.flash_trials import Mishap, Trials, until_befallen
from tests.support.gateway.gateway_bench import build_tiny
from tests.support.gateway.virtual_fleet import VirtualFleet
from tinyops.boards.image import Image
from tinyops.boards.virtual import BOARDS
from tinyops.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    return {board: build_tiny(board) for board in BOARDS}


def test_every_kind_comes_through_loss_kill_and_noise(
    released_store: Store, tmp_path: Path, images: dict[str, Image]
) -> None:
    with VirtualFleet(tmp_path, images, [*BOARDS]) as fleet:
        trials = Trials(fleet, released_store, seed=1)
        trials.commission()
        trials.run("loss", "good")
        trials.run("kill", "wrong golden")
        trials.run("noise", "good")
        assert "Traceback" not in fleet.gateway.log.read_text()
    assert [outcome for outcome in trials.outcomes if not outcome.right] == []
    figures = trials.figures()
    assert figures["power_cuts"] + figures["plugs_pulled"] > 0
    assert (figures["gateway_kills"], figures["noisy_flashes"]) == (1, len(BOARDS))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize(
    ("mishaps", "runs"), [(("loss", "kill"), 200), (("noise",), 50)], ids=["interrupted", "noise"]
)
def test_it_comes_through_hundreds_of_them(
    released_store: Store, tmp_path: Path, board: str, mishaps: tuple[Mishap, ...], runs: int
) -> None:
    image = build_tiny(board)
    with VirtualFleet(tmp_path / "fleet", {board: image}, [board] * 8) as fleet:
        trials = Trials(fleet, released_store, seed=2)
        trials.commission()
        for outcomes in until_befallen(trials, mishaps, runs):
            assert [each for each in outcomes if not each.right] == []
        assert "Traceback" not in fleet.gateway.log.read_text()
