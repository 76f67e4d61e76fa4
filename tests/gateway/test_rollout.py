"""From a signed release to an attested board, and back when the new image is no good."""

from __future__ import annotations

import itertools

import pytest
import yaml

from tests.support.gateway.gateway_bench import (
    DEVICE,
    PROJECT,
    TARGET,
    Bench,
    mute,
    release,
    renamed,
    running,
    use_rings,
    wait_for,
    wait_for_polls,
    wrong_golden,
)
from tinyops.boards.image import Image
from tinyops.boards.link import Link
from tinyops.boards.transport import SerialPort, SerialStream
from tinyops.releases.publish import move_channel
from tinyops.releases.rollout import next_channel, place_of
from tinyops.store import edge_layout

pytestmark = pytest.mark.slow


def test_a_release_is_flashed_attested_and_replaced_by_the_next(bench: Bench, built: Image) -> None:
    second = renamed(built, "v2")
    with running(bench.gateway()):
        release(bench.store, built)
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
        assert bench.flash(built) == built.bytes
        release(bench.store, second)
        wait_for(lambda: bench.saw("attested", "v2"), "v2 attested")
        assert bench.flash(second) == second.bytes
    assert bench.kinds() == [
        (kind, version) for version in ("v1", "v2") for kind in ("flashing", "flashed", "attested")
    ]
    status = bench.store.get_json(edge_layout.gateway_status("bench"))
    device = status["devices"][DEVICE]
    assert (device["state"], device["confirmed"], device["problem"]) == ("idle", "v2", "")
    assert device["runs"]["version"] == "v2"
    assert device["runs"]["project"] == PROJECT
    images = {path.name for path in (bench.config.parent / "gateway" / "images").iterdir()}
    assert len(images) == 1


def test_a_board_without_an_image_is_looked_at_now_and_then(bench: Bench) -> None:
    gateway = bench.gateway()
    waits = [gateway.workers[0].step() for _ in range(2)]
    gateway.stop()
    gateway.run()
    assert min(waits) > 0


def attest_soon(bench: Bench) -> None:
    """Wait 4 s for a HELLO; on two idle cores images say it in less than half a second."""
    content = yaml.safe_load(bench.config.read_text()) | {"attest_seconds": 4}
    bench.config.write_text(yaml.safe_dump(content))


def test_an_image_that_never_says_hello_is_replaced_by_the_last_good_one(
    bench: Bench, built: Image
) -> None:
    attest_soon(bench)
    bench.place(built)
    silent = mute(built, "v2")
    with running(bench.gateway()):
        release(bench.store, built)
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
        release(bench.store, silent)
        wait_for(lambda: bench.saw("restored", "v2"), "v1 restored")
        assert bench.flash(built) == built.bytes
        third = renamed(built, "v3")
        release(bench.store, third)
        wait_for(lambda: bench.saw("attested", "v3"), "v3 attested")
    restored = next(event for event in bench.events() if event.kind == "restored")
    assert "no rightful HELLO" in restored.detail
    assert "v1 is back" in restored.detail
    assert bench.kinds().count(("flashing", "v2")) == 1


def test_an_image_that_fails_its_golden_windows_is_not_confirmed(
    bench: Bench, built: Image
) -> None:
    bench.place(built)
    with running(bench.gateway()):
        release(bench.store, built)
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
    with SerialPort(str(bench.board.port)) as line:
        logits = Link(SerialStream(line)).selftest(1).logits.tobytes()
    bad = wrong_golden(built, "v2", logits)
    with running(bench.gateway()):
        release(bench.store, bad)
        wait_for(lambda: bench.saw("restored", "v2"), "v1 restored")
    assert bench.flash(built) == built.bytes
    restored = next(event for event in bench.events() if event.kind == "restored")
    assert "0 of 4 golden windows" in restored.detail


def test_a_first_release_that_does_not_attest_is_refused(bench: Bench, built: Image) -> None:
    attest_soon(bench)
    with running(bench.gateway()):
        release(bench.store, mute(built, "v1"))
        wait_for(lambda: bench.saw("refused", "v1"), "v1 refused")
        good = renamed(built, "v2")
        release(bench.store, good)
        wait_for(lambda: bench.saw("attested", "v2"), "v2 attested")
    assert bench.flash(good) == good.bytes
    assert not bench.saw("attested", "v1")
    assert bench.kinds().count(("flashing", "v1")) == 1


def test_a_board_that_runs_the_release_already_is_only_attested(bench: Bench, built: Image) -> None:
    with running(bench.gateway()):
        release(bench.store, built)
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
    for path in (bench.config.parent / "gateway").glob("journal.db*"):
        path.unlink()
    with running(bench.gateway()):
        wait_for(lambda: bench.kinds().count(("attested", "v1")) == 2, "attested again")
    assert bench.kinds().count(("flashing", "v1")) == 1


def test_a_device_outside_the_open_ring_waits_until_its_ring_opens(
    bench: Bench, built: Image
) -> None:
    bench.place(built)
    with running(bench.gateway()) as gateway:
        release(bench.store, built)
        wait_for(lambda: bench.saw("attested", "v1"), "v1 attested")
        # A device of another gateway that comes before this one in v2's order, and a ring between.
        salt = next_channel(None, PROJECT, "v2", [1.0]).salt
        here = place_of(DEVICE, salt)
        ids = (f"d{number}" for number in itertools.count())
        first = next(name for name in ids if place_of(name, salt) < here)
        rows = {first: {"project": PROJECT, "target": TARGET}}
        bench.store.put_json(edge_layout.gateway_status("another"), {"devices": rows})
        use_rings((place_of(first, salt) + here) / 2, 1.0)
        release(bench.store, renamed(built, "v2"))
        wait_for_polls(gateway)
        assert not bench.saw("flashing", "v2")
        move_channel(bench.store, PROJECT, ring=1)
        wait_for(lambda: bench.saw("attested", "v2"), "v2 attested")
