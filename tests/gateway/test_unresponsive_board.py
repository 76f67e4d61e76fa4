"""A board that does not answer is nobody's reason to write its flash: a person is asked, once."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
import yaml

from tests.support.gateway.gateway_bench import (
    DEVICE,
    Bench,
    release,
    renamed,
    running,
    wait_for,
)
from tinyops.boards.image import Image
from tinyops.gateway.service import Gateway
from tinyops.store import edge_layout

pytestmark = pytest.mark.slow


def change(bench: Bench, **keys: float) -> None:
    """Change keys of the gateway's file."""
    content = yaml.safe_load(bench.config.read_text()) | keys
    bench.config.write_text(yaml.safe_dump(content))


@pytest.fixture
def at_v1(bench: Bench, built: Image) -> Bench:
    """A bench whose board has attested v1 without a flash and is looked at often."""
    change(bench, watch_seconds=0.2)
    bench.place(built)
    with running(bench.gateway()):
        release(bench.store, built)
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
    return bench


def status(bench: Bench) -> dict[str, Any]:
    content = bench.store.get_json(edge_layout.gateway_status("bench"))
    row: dict[str, Any] = content["devices"][DEVICE]
    return row


def tries(gateway: Gateway) -> int:
    """Times that a flash was begun, however it ended."""
    flashes = gateway.workers[0].board.tally.flashes
    return flashes.success + flashes.failure + flashes.stopped


def silence(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the wire on which the application answers; the bootloader's is whole."""
    send = bench.board.to_host
    monkeypatch.setattr(
        bench.board,
        "to_host",
        lambda data: None if bench.board.mode == "application" else send(data),
    )


OPEN = "import os, sys, time; os.open(sys.argv[1], os.O_RDONLY | os.O_NOCTTY); time.sleep(60)"


def test_a_silent_board_asks_for_a_person_and_is_never_written(
    at_v1: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wire:
        silence(at_v1, wire)
        with running(at_v1.gateway()) as gateway:
            wait_for(lambda: gateway.workers[0].rest.silent > 0, "the port open", pause=0.02)
            command = [sys.executable, "-c", OPEN, str(at_v1.board.port)]
            with subprocess.Popen(command) as other:
                also = f"The port is also open in pid {other.pid} (py"
                wait_for(lambda: also in status(at_v1)["action"], "a person asked")
                other.kill()
            wait_for(lambda: also not in status(at_v1)["action"], "looked at once more")
            assert tries(gateway) == 0
            assert gateway.workers[0].state.step == "idle"
        # The request outlives the process, and is not repeated.
        with running(at_v1.gateway()) as gateway:
            wait_for(lambda: gateway.workers[0].rest.silent > 0, "still silent", pause=0.02)
            assert "press RESET" in status(at_v1)["action"]
            wire.undo()
            wait_for(lambda: not gateway.workers[0].action, "the action cleared")
            assert tries(gateway) == 0
    assert at_v1.kinds() == [("attested", "v1"), ("action_needed", "v1"), ("attested", "v1")]
    assert status(at_v1)["problem"] == status(at_v1)["action"] == ""
    assert status(at_v1)["flashes"] == {"last_24h": 0, "per_day": 10}
    assert "was not written" in at_v1.events()[-1].detail


def test_a_board_that_waits_in_its_bootloader_is_not_written_either(
    at_v1: Bench, built: Image
) -> None:
    at_v1.board.press_reset(2)
    with running(at_v1.gateway()) as gateway:
        wait_for(lambda: at_v1.saw("action_needed", "v1"), "a person asked")
        at_v1.board.press_reset()
        wait_for(lambda: at_v1.kinds().count(("attested", "v1")) == 2, "v1 attested again")
        assert tries(gateway) == 0
    assert at_v1.flash(built) == built.bytes


def test_a_board_that_is_silent_after_its_image_was_put_back_is_not_written_again(
    at_v1: Bench, built: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(at_v1, attest_seconds=0.8)
    silence(at_v1, monkeypatch)
    release(at_v1.store, renamed(built, "v2"))
    with running(at_v1.gateway()) as gateway:
        wait_for(lambda: "No valid answer" in gateway.workers[0].action, "a person asked")
        time.sleep(1.5)  # it would be written again by now
        # The release, and the image that goes back because the release did not attest.
        assert tries(gateway) == 2
        assert gateway.workers[0].state.step == "verifying"
        monkeypatch.undo()
        wait_for(lambda: at_v1.saw("restored", "v2"), "v1 attested again")
        assert tries(gateway) == 2
        assert gateway.workers[0].action == ""
    assert at_v1.flash(built) == built.bytes
    assert [kind for kind, _ in at_v1.kinds()].count("action_needed") == 1


def test_a_spent_budget_stops_releases_and_restores_until_it_is_raised(
    at_v1: Bench, built: Image
) -> None:
    other, second = renamed(built, "v9"), renamed(built, "v2")
    change(at_v1, flashes_per_day=1)
    with running(at_v1.gateway()):
        at_v1.place(other)  # as somebody does who flashes it by hand
        wait_for(lambda: at_v1.kinds().count(("attested", "v1")) == 2, "v1 is back")
        release(at_v1.store, second)
        wait_for(lambda: "flashes_per_day" in status(at_v1)["action"], "a person asked")
        assert status(at_v1)["state"] == "idle"
    with running(at_v1.gateway()) as gateway:  # a restart gives no new budget
        wait_for(lambda: gateway.workers[0].rest.sight is not None, "the board looked at")
        assert status(at_v1)["flashes"] == {"last_24h": 1, "per_day": 1}
    assert tries(gateway) == 0
    assert at_v1.flash(built) == built.bytes
    (needed,) = [event for event in at_v1.events() if event.kind == "action_needed"]
    assert f"{DEVICE} was flashed 1 times within 24 h" in needed.detail
    assert "raise flashes_per_day" in needed.detail
    change(at_v1, flashes_per_day=2)
    with running(at_v1.gateway()) as gateway:
        wait_for(lambda: at_v1.saw("attested", "v2"), "v2 with the raised budget")
        assert gateway.workers[0].action == ""
        at_v1.place(other)
        wait_for(lambda: "flashes_per_day" in status(at_v1)["action"], "a person asked again")
        assert status(at_v1)["state"] == "restoring"
    assert at_v1.flash(second) != second.bytes
