"""Devices as gateways report them, counted once each and by the server's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tinyops.fleet.devices import SILENT_AFTER, for_targets, reported_devices
from tinyops.fleet.event import Event
from tinyops.store import Store, edge_layout


def status(store: Store, gateway: str, **devices: Any) -> None:
    """Each device's row; a string stands for the version it attested."""
    rows = {
        name: {"project": "demo", "target": "t1", "confirmed": row} if isinstance(row, str) else row
        for name, row in devices.items()
    }
    store.put_json(edge_layout.gateway_status(gateway), {"at": "2036-01-01", "devices": rows})


def attested(store: Store, **now: Any) -> dict[str, str]:
    return {name: one.attested for name, one in reported_devices(store, "demo", **now).items()}


def test_devices_of_all_gateways_and_of_one_project(store: Store) -> None:
    assert attested(store) == {}
    status(store, "line-1", d1="v1", d2="", other={"project": "motor", "confirmed": "v9"})
    status(store, "line-2", d3="v2")
    assert attested(store) == {"d1": "v1", "d2": "", "d3": "v2"}
    assert reported_devices(store, "demo")["d3"].gateway == "line-2"


def test_a_gateway_that_is_gone_does_not_count(store: Store) -> None:
    status(store, "line-1", d1="v1")
    later = datetime.now(UTC) + SILENT_AFTER
    assert attested(store, now=later - timedelta(minutes=5)) == {"d1": "v1"}
    assert attested(store, now=later + timedelta(minutes=5)) == {}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"project": "demo", "confirmed": 7}, "devices.bad.confirmed: "),
        ({"project": "demo", "target": None}, "devices.bad.target: "),
        ([], ""),
        ({"project": []}, ""),
    ],
)
def test_a_malformed_row_is_named_and_hides_no_other(
    store: Store, caplog: pytest.LogCaptureFixture, row: Any, reason: str
) -> None:
    status(store, "line-1", bad=row, good="v1")
    assert attested(store) == {"good": "v1"}
    assert reason in caplog.text


@pytest.mark.parametrize("content", [b"null", b"{", b"[" * 100_000, b'{"devices": [1]}'])
def test_events_stand_in_for_a_status_that_cannot_be_read(
    store: Store, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    for version, device in (("v1", "d1"), ("v2", "d2")):
        event = Event("attested", "demo", version, device, "t1")
        store.put_json(edge_layout.gateway_event("line-1", event.id), event.content())
    store.put(edge_layout.gateway_status("line-1"), content)
    assert attested(store) == {"d1": "v1", "d2": "v2"}
    assert f"{store.uri(edge_layout.gateway_status('line-1'))} skipped" in caplog.text


def test_a_release_is_for_devices_of_its_targets(store: Store) -> None:
    status(store, "line-1", d1="v1", d2={"project": "demo", "target": "t2"}, d3={"project": "demo"})
    devices = reported_devices(store, "demo")
    assert {one.id for one in for_targets(devices, ["t1"])} == {"d1", "d3"}
    assert {one.id for one in for_targets(devices, [])} == {"d1", "d2", "d3"}
