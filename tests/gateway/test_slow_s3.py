"""Proxies between a gateway and S3: answers that never end, and copies that are old."""

from __future__ import annotations

import time

import pytest

from tests.support.gateway.gateway_bench import (
    PROJECT,
    Bench,
    release,
    renamed,
    running,
    wait_for,
    wait_for_polls,
)
from tests.support.gateway.gateway_wire import CuttableWire
from tinyops.boards.image import Image
from tinyops.gateway.config import load_config
from tinyops.gateway.service import Gateway
from tinyops.gateway.watch import ReleaseWatch
from tinyops.store import edge_layout


def test_a_poll_ends_at_its_limit_however_slowly_s3_answers(bench: Bench, built: Image) -> None:
    release(bench.store, built)
    root = load_config(bench.config).trusted_root
    with CuttableWire(bench.store.client.meta.endpoint_url) as wire:
        cache = bench.config.parent / "tuf"
        watch = ReleaseWatch(
            wire.store(), root, cache, [PROJECT], lambda event: None, poll_seconds=0.3
        )
        wire.drip = 0.05
        for _ in range(5):  # more than there may be readers that wait
            began = time.monotonic()
            watch.poll()
            assert time.monotonic() - began < 1.5
            assert watch.outage
        assert "unanswered" in watch.problem or "in time" in watch.problem
        wire.drip = 0.0
        wait_for(lambda: watch.poll() or not watch.problem, "a poll that succeeds", 10)
        assert watch.wanted(PROJECT, "any") == "v1"


@pytest.mark.slow
def test_boards_are_served_while_s3_answers_slowly(bench: Bench, built: Image) -> None:
    bench.place(built)
    release(bench.store, built)
    with CuttableWire(bench.store.client.meta.endpoint_url) as wire:
        config = load_config(bench.config).model_copy(
            update={"poll_timeout_seconds": 0.5, "watch_seconds": 0.2}
        )
        with running(Gateway(config, wire.store())) as gateway:
            worker = gateway.workers[0]
            wait_for(lambda: worker.state.confirmed.version == "v1", "v1 attested")
            wire.drip = 0.05
            wait_for(lambda: "in time" in gateway._watch.problem, "a poll cut off", pause=0.05)
            for _ in range(3):
                sight = worker.rest.sight
                wait_for(
                    lambda sight=sight: worker.rest.sight is not sight,  # type: ignore[misc]
                    "the board looked at",
                    5,
                    0.05,
                )
            wire.drip = 0.0


@pytest.mark.slow
def test_a_cache_that_answers_with_old_and_new_metadata_in_turn_is_reported_once(
    bench: Bench, built: Image
) -> None:
    bench.place(built)
    release(bench.store, built)
    key = edge_layout.tuf_metadata(edge_layout.TUF_TIMESTAMP)
    old = bench.store.get(key)
    release(bench.store, renamed(built, "v2"))
    new = bench.store.get(key)
    config = load_config(bench.config).model_copy(update={"poll_seconds": 0.05})
    with running(Gateway(config, bench.store)) as gateway:
        wait_for(lambda: bench.saw("attested", "v2"), "v2 attested")
        for content in (old, new) * 3:
            bench.store.put(key, content)
            wait_for_polls(gateway, 2)
    (refused,) = [event for event in bench.events() if event.kind == "refused"]
    assert "BadVersionNumberError" in refused.detail
    assert "cache or proxy" in refused.detail
