"""Following a batch by receipts and events in the real S3."""

from __future__ import annotations

from tinyops.demo.follow import follow
from tinyops.store import Consumer, Pointer, Receipt, Store, edge_layout, layout, receipts

PROJECT = "motor_health"


def states(store: Store) -> list[str]:
    return [stage.state for stage in follow(store, PROJECT, "b1").stages]


def receipted(store: Store, consumer: str, input_id: str, output: str) -> None:
    receipts.write(store, PROJECT, Receipt(consumer, input_id, "done", output=output))


def event(store: Store, name: str, kind: str, version: str) -> None:
    content = {"kind": kind, "project": PROJECT, "version": version, "device": "d1"}
    content["at"] = "2999-01-01T00:00:00+00:00"
    store.put_json(edge_layout.gateway_event("g1", name), content)


def test_a_batch_is_followed_to_its_board(store: Store) -> None:
    assert states(store) == ["waiting"] * 6
    store.put_json(layout.batch_ready(PROJECT, "b1"), {})
    assert states(store) == ["done", "running", *["waiting"] * 4]
    receipted(store, "ingest", "b1", "d1")
    receipted(store, "train", "d1", "c1")
    receipted(store, "release", "c1", "c1")
    assert states(store) == [*["done"] * 4, "running", "waiting"]
    event(store, "1", "flashed", "another")
    assert states(store)[4:] == ["running", "waiting"]
    event(store, "2", "flashed", "c1")
    assert states(store)[4:] == ["done", "running"]
    event(store, "3", "attested", "c1")
    assert follow(store, PROJECT, "b1").attested


def test_a_quarantined_batch_ends_the_loop_with_its_reason(store: Store) -> None:
    store.put_json(layout.batch_ready(PROJECT, "b1"), {})
    receipts.write(
        store, PROJECT, Receipt(Consumer.INGEST, "b1", "quarantined", reason="no labels")
    )
    stopped = follow(store, PROJECT, "b1").stopped
    assert stopped is not None
    assert (stopped.name, stopped.reason) == ("gate", "no labels")


def test_what_a_newer_dataset_has_overtaken_is_followed_there(store: Store) -> None:
    store.put_json(layout.batch_ready(PROJECT, "b1"), {})
    receipted(store, "ingest", "b1", "d1")
    store.put_json(layout.pointer(PROJECT, Pointer.DATASET), {"version": "d2"})
    assert states(store)[2] == "running"
    receipted(store, "train", "d2", "c2")
    store.put_json(layout.pointer(PROJECT, Pointer.CANDIDATE), {"version": "c3"})
    receipted(store, "release", "c3", "c3")
    event(store, "1", "attested", "c3")
    assert follow(store, PROJECT, "b1").attested


def test_an_image_that_was_put_back_ends_the_loop(store: Store) -> None:
    store.put_json(layout.batch_ready(PROJECT, "b1"), {})
    receipted(store, "ingest", "b1", "d1")
    receipted(store, "train", "d1", "c1")
    receipted(store, "release", "c1", "c1")
    event(store, "1", "restored", "c1")
    assert states(store)[5] == "stopped"
