"""`tinyops gateway status`: reads what gateways wrote, also what is damaged or older."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tinyops.cli.main import main
from tinyops.store import Store, edge_layout


def test_without_gateways_it_says_so(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gateway", "status"]) == 0
    assert "no gateway has written a status yet" in capsys.readouterr().out
    assert main(["gateway", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {}


def test_each_gateway_has_its_rows_whatever_it_wrote(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    then = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    frames = {"at": then, "epoch": 1, "window": 64, "sent": 7, "waiting": 2, "dropped": 3}
    frames["refused"] = {"damaged": 4}
    row = {"project": "demo", "state": "idle", "confirmed": "v1", "problem": "[red]odd"}
    row |= {"flashes": {"last_24h": 3, "per_day": 10}}
    devices = {"press-07": row | {"frames": frames}, "press-08": row | {"action": "press RESET"}}
    store.put_json(edge_layout.gateway_status("line-3"), {"at": then, "devices": devices})
    store.put(edge_layout.gateway_status("line-4"), b"{")
    store.put_json(edge_layout.gateway_status("line-5"), [1])
    store.put_json(edge_layout.gateway_event("line-6", "e1"), {})
    assert main(["gateway", "status"]) == 0
    out = capsys.readouterr().out
    for word in (
        "press-07",
        "3 of 10 flashes",
        "7 sent, 2 waiting",
        "3 dropped",
        "4 refused: damaged",
        "5 h ago",
    ):
        assert word in out
    for word in (
        "line-4",
        "is not JSON",
        "line-5",
        "no JSON object",
        "line-6",
        "[red]odd",
        "press RESET",
    ):
        assert word in out
    assert main(["gateway", "status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["line-3"]["devices"]["press-07"]["frames"] == frames
    assert sorted(found) == ["line-3", "line-4", "line-5", "line-6"]


def test_a_full_disk_is_shown_with_its_gateway(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    content = {"disk": "disk full: less than 5 MiB free for /state", "devices": {}}
    store.put_json(edge_layout.gateway_status("line-1"), content)
    store.put_json(edge_layout.gateway_status("line-2"), {"disk": "ok", "devices": {}})
    assert main(["gateway", "status"]) == 0
    assert capsys.readouterr().out.count("disk full: less than 5 MiB free for /state") == 1
    assert main(["gateway", "status", "--json"]) == 0
    disks = {name: row["disk"] for name, row in json.loads(capsys.readouterr().out).items()}
    assert disks == {"line-1": content["disk"], "line-2": "ok"}
