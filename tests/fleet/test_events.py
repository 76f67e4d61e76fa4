"""Events as gateways write them are read; whatever else lies there is named and hides nothing."""

from __future__ import annotations

import json

import pytest

from tinyops.fleet.errors import MalformedReport
from tinyops.fleet.event import Event
from tinyops.fleet.events import EVENT_BYTES, parse_event, read_events
from tinyops.fleet.gateways import gateway_names
from tinyops.store import Store, edge_layout

ATTESTED = Event("attested", "demo", "v1", "d1", "t1", "4 golden windows")


def put(store: Store, event: Event, gateway: str = "line-1") -> None:
    store.put_json(edge_layout.gateway_event(gateway, event.id), event.content())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"null", "event is NoneType, expected an object"),
        (b"[1]", "event is list"),
        (b"\xff", "event is not JSON"),
        (b"[" * 100_000, "event is not JSON: recursion limit"),
        (b'{"kind":"attested"}', "event has no project, version, device, at"),
        ({"kind": "exploded"}, "kind: "),
        ({"version": 7}, "version: Input should be a valid string"),
        ({"version": "../v1"}, "is not a name"),
        ({"device": "d" * 200}, "is not a name"),
        ({"at": "yesterday"}, "at: Invalid isoformat"),
        ({"at": "2026-12-01T10:00:00"}, "at: .*has no UTC offset"),
        ({"extra": 1}, "extra: "),
    ],
)
def test_a_malformed_event_is_refused_with_its_reason(
    content: bytes | dict[str, object], reason: str
) -> None:
    if isinstance(content, dict):
        content = json.dumps(ATTESTED.content() | content).encode()
    with pytest.raises(MalformedReport, match=reason):
        parse_event(content)


def test_an_event_is_read_as_it_was_written() -> None:
    assert parse_event(json.dumps(ATTESTED.content()).encode()) == ATTESTED


def test_a_malformed_object_is_named_and_hides_no_other(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, ATTESTED)
    folder = edge_layout.gateway_events("line-1")
    store.put(f"{folder}0.json", b"null")
    store.put(f"{folder}~.json", b" " * (EVENT_BYTES + 1))
    (stored,) = read_events(store, "line-1")
    assert stored.event == ATTESTED
    for key, reason in (("0.json", "is NoneType"), ("~.json", f"has {EVENT_BYTES + 1} bytes")):
        assert f"{store.uri(folder)}{key} skipped: event {reason}" in caplog.text
    assert "Remove the object." in caplog.text


def test_events_come_in_the_order_of_their_upload_whatever_their_clock_says(store: Store) -> None:
    future = Event("attested", "demo", "v1", "d1", at="2036-01-01T00:00:00+00:00", id="2036")
    now = Event("attested", "demo", "v2", "d1", at="2026-12-01T00:00:00+00:00", id="2026")
    put(store, future)
    (first,) = read_events(store, "line-1")
    while True:  # until the server's clock, which counts whole seconds, has gone on
        put(store, now)
        stored = list(read_events(store, "line-1"))
        if stored[-1].written > first.written:
            break
    assert [one.event.version for one in stored] == ["v1", "v2"]
    newest_first = read_events(store, "line-1", newest_first=True)
    assert [one.event.version for one in newest_first] == ["v2", "v1"]
    since = read_events(store, "line-1", stored[-1].written)
    assert [one.event.version for one in since] == ["v2"]


def test_a_folder_that_is_no_gateways_is_named(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, ATTESTED)
    store.put(edge_layout.GATEWAYS + "spaces in name/events/x.json", b"{}")
    assert gateway_names(store) == ["line-1"]
    assert "'spaces in name'" in caplog.text
