"""`tinyops rollout`: a trial, its promotion and the way back, on a real repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinyops.cli.main import main
from tinyops.releases import paths
from tinyops.releases.keys import signing_keys
from tinyops.releases.repository import NewTarget, Repository
from tinyops.releases.rollout import Channel, next_channel, open_ring
from tinyops.store import Store, edge_layout, layout

PROJECT = "motor_health"


def sign(store: Store, channel: Channel) -> None:
    text = channel.model_dump_json()
    new = [NewTarget(paths.channel(PROJECT), text.encode(), {"channel": text})]
    for version in ("v1", "v2"):
        store.put_json(layout.release_manifest(PROJECT, version), {"created": "2026-12-01"})
        new.append(NewTarget(paths.manifest(PROJECT, version), b"{}", {"created": "2026-12-01"}))
    Repository(store, signing_keys()).publish(new)


def test_a_trial_is_shown_promoted_and_ended(
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TINYOPS_STATE", str(tmp_path))

    def rollout(*arguments: str) -> dict[str, object]:
        status = main(["rollout", *arguments, "-p", PROJECT, "--json"])
        told: dict[str, object] = json.loads(capsys.readouterr().out)
        assert status == (1 if "error" in told else 0)
        return told

    assert "has no release" in str(rollout("status")["error"])
    stable = open_ring(next_channel(None, PROJECT, "v1", [0.9, 1.0]), 1)
    sign(store, next_channel(stable, PROJECT, "v2", [0.9, 1.0]))
    rows = {"d1": {"project": PROJECT, "confirmed": "v1"}, "d2": {"project": PROJECT}}
    store.put_json(edge_layout.gateway_status("line-1"), {"devices": rows})
    assert rollout("status") == {
        "project": PROJECT,
        "stable": "v1",
        "trial": "v2",
        "ring": 0,
        "rings": [0.9, 1.0],
        "attested": {"": 1, "v1": 1},
    }
    assert main(["rollout", "status", "-p", PROJECT]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "stable: v1",
        "on trial: v2 (ring 0 of 0 to 1, share 0.9)",
        "1 devices attest nothing yet",
        "1 devices attest v1",
    ]
    back = rollout("back")
    assert (back["stable"], back["trial"]) == ("v1", "")
    trial = rollout("start", "v2")
    assert (trial["stable"], trial["trial"]) == ("v1", "v2")
    promoted = rollout("open")
    assert (promoted["stable"], promoted["trial"]) == ("v2", "")
    assert "no ring 2" in str(rollout("open")["error"])
