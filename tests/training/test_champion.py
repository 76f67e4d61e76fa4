"""The champion follows what was signed as stable and what devices attest, not what anybody says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tinyops.fleet.event import Event
from tinyops.releases import paths
from tinyops.releases.keys import signing_keys
from tinyops.releases.repository import NewTarget, Repository
from tinyops.releases.rollout import Channel, next_channel, open_ring
from tinyops.store import Pointer, Store, StoreError, edge_layout, layout
from tinyops.training import registry
from tinyops.training.champion import champion_candidate, settle_champion

PROJECT = "demo_project"
FUTURE = "2036-01-01T00:00:00+00:00"


@pytest.fixture(autouse=True)
def crowned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Candidates that the registry was told of; tests/training/test_pipeline.py has a real one."""
    monkeypatch.setenv("TINYOPS_STATE", str(tmp_path))
    told: list[str] = []
    monkeypatch.setattr(registry, "crown", lambda project, candidate: told.append(candidate))
    return told


def sign(store: Store, channel: Channel) -> Channel:
    text = channel.model_dump_json()
    new = NewTarget(paths.channel(PROJECT), text.encode(), {"channel": text})
    Repository(store, signing_keys()).publish([new])
    return channel


def stage(store: Store, current: Channel | None, version: str, *rings: float) -> Channel:
    store.put_json(layout.release_manifest(PROJECT, version), {"targets": {"t1": {}}})
    return sign(store, next_channel(current, PROJECT, version, [*rings] or [1.0]))


def report(store: Store, gateway: str = "line-1", **devices: str) -> None:
    """A gateway's status: the version that each device attested."""
    rows = {
        name: {"project": PROJECT, "target": "t1", "confirmed": version}
        for name, version in devices.items()
    }
    store.put_json(edge_layout.gateway_status(gateway), {"devices": rows})


def say(store: Store, gateway: str, version: str, **more: Any) -> None:
    """An event of a gateway without a status."""
    event = Event("attested", PROJECT, version, f"{gateway}-d1", "t1", **more)
    store.put_json(edge_layout.gateway_event(gateway, event.id), event.content())


def champion(store: Store) -> str | None:
    result: str | None = settle_champion(store, PROJECT)["champion"]
    return result


def test_the_stable_version_is_champion_once_half_of_the_devices_attest_it(
    store: Store, crowned: list[str]
) -> None:
    assert champion(store) is None
    first = stage(store, None, "v1")
    assert champion(store) is None
    report(store, d1="v1", d2="", d3="")
    assert champion(store) is None
    report(store, d1="v1", d2="v1", d3="")
    assert settle_champion(store, PROJECT) == {
        "champion": "v1",
        "candidate": "v1",
        "changed": True,
    }
    assert settle_champion(store, PROJECT)["changed"] is False
    pointer = store.get_json(layout.pointer(PROJECT, Pointer.CHAMPION))
    assert (pointer["attested"], pointer["devices"]) == (2, 3)
    # On trial, however many devices attest it.
    trial = stage(store, first, "v2", 0.5, 1.0)
    report(store, d1="v2", d2="v2", d3="v2")
    assert champion(store) == "v1"
    sign(store, open_ring(trial, 1))
    assert champion(store) == "v2"
    # A rollback too waits for the devices.
    sign(store, next_channel(open_ring(trial, 1), PROJECT, "v1", [1.0]))
    assert champion(store) == "v2"
    report(store, d1="v1", d2="v1", d3="v2")
    assert champion(store) == "v1"
    assert crowned == ["v1", "v2", "v1"]


def test_a_device_that_was_put_back_moves_nothing(store: Store) -> None:
    stage(store, stage(store, None, "v1"), "v2")
    for line in range(3):
        say(store, f"line-{line}", "v2")
    assert champion(store) == "v2"
    say(store, "line-9", "v1")
    assert champion(store) == "v2"


def test_a_clock_that_is_ahead_neither_moves_nor_stops_it(store: Store) -> None:
    first = stage(store, None, "v1")
    say(store, "line-1", "v1", at=FUTURE)
    assert champion(store) == "v1"
    stage(store, first, "v2")
    for line in (2, 3):
        say(store, f"line-{line}", "v2", at="1970-01-01T00:00:00+00:00")
    assert champion(store) == "v2"


def test_a_forged_event_names_nobody_champion(store: Store) -> None:
    stage(store, None, "v1")
    report(store, d1="v1")
    say(store, "mallory", "refused-candidate-17", at="9999-12-31T23:59:59+00:00")
    assert champion(store) == "v1"


@pytest.mark.parametrize("body", [b"null", b"[" * 100_000])
def test_a_malformed_event_or_status_stops_nothing(
    store: Store, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    stage(store, None, "v1")
    report(store, d1="v1")
    key = edge_layout.gateway_event("mallory", "29990101T000000.000000Z-00000000")
    store.put(key, body)
    store.put(edge_layout.gateway_status("mallory"), body)
    store.put(edge_layout.GATEWAYS + "spaces in name/events/x.json", b"{}")
    assert champion(store) == "v1"
    for name in (key, edge_layout.gateway_status("mallory")):
        assert store.uri(name) in caplog.text


def test_a_version_that_was_never_staged_is_an_error(store: Store) -> None:
    sign(store, next_channel(None, PROJECT, "v1", [1.0]))
    report(store, d1="v1")
    with pytest.raises(StoreError, match="missing or no object, though v1 is signed"):
        settle_champion(store, PROJECT)


def test_a_damaged_pointer_is_named(store: Store) -> None:
    key = layout.pointer(PROJECT, Pointer.CHAMPION)
    store.put_json(key, ["v1"])
    for read in (settle_champion, champion_candidate):
        with pytest.raises(StoreError, match=key):
            read(store, PROJECT)
