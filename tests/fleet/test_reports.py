"""Statuses that no gateway would write: each is named, and none stops the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tinyops.fleet.gateways import gateway_names
from tinyops.fleet.reports import (
    LARGEST_STATUS,
    MOST_DEVICES,
    parse_gateway_report,
    read_gateway_reports,
)
from tinyops.store import Store, edge_layout

GOOD: dict[str, Any] = {"project": "p", "state": "idle", "confirmed": "v1", "failures": 0}
FILES = {
    "null": b"null",
    "list": b"[1]",
    "text": b'"x"',
    "brackets": b"[" * 100_000,
    "no-utf-8": b'{"at": "\xff"}',
    "cut-off": b'{"at": ',
    "empty": b"",
    "large": b'{"at": "' + b"x" * LARGEST_STATUS + b'"}',
    "huge-int": b'{"events_waiting": ' + b"9" * 5000 + b"}",
}
DEVICES: dict[str, Any] = {
    "null": None,
    "list": [1],
    "number": 3,
    "wrong-types": {"state": ["idle"]},
    "number-as-text": {"failures": "1"},
    "huge": {"failures": 10**30},
    "negative": {"frames": {"sent": -1}},
    "nan": {"frames": {"sent": float("nan")}},
    "reasons": {"frames": {"refused": [1]}},
    "many-reasons": {"frames": {"refused": {str(one): 1 for one in range(100)}}},
    "nested": {"runs": {"project": {"a": {}}}},
}


def test_no_status_stops_the_others(store: Store) -> None:
    for name, content in FILES.items():
        store.put(edge_layout.gateway_status(name), content)
    good = {"at": "2026-03-01T00:00:00+00:00", "devices": {"press-7": GOOD}}
    store.put_json(edge_layout.gateway_status("good"), good)
    store.put_json(edge_layout.gateway_event("silent", "e1"), {})
    for name in ("a b", "[red]x", "x" * 65, "a..b"):
        store.put(f"{edge_layout.GATEWAYS}{name}/status.json", b"{}")

    reports = read_gateway_reports(store)

    assert sorted(reports) == sorted(gateway_names(store)) == sorted([*FILES, "good", "silent"])
    for name in FILES:
        assert reports[name].devices == {}
        assert reports[name].problems
        assert len(reports[name].problems[0]) < 400
    report = reports["good"]
    assert (report.problems, report.readable, report.at) == ((), True, good["at"])
    assert report.written_at is not None
    assert report.to_dict()["devices"] == {"press-7": GOOD}


@pytest.mark.parametrize("name", DEVICES)
def test_no_device_stops_the_others(name: str) -> None:
    content = {"devices": {name: DEVICES[name], "press-7": GOOD}}
    report = parse_gateway_report(content)
    assert list(report.devices) == ["press-7"]
    [problem] = report.problems
    assert problem.startswith(f"devices.{name}")
    assert len(problem) <= 200


@pytest.mark.parametrize("devices", [None, [], "x", 7])
def test_devices_that_are_none(devices: object) -> None:
    report = parse_gateway_report({"devices": devices})
    assert report.readable
    assert "expected an object" in report.problems[0]


def test_devices_have_names_and_a_limit() -> None:
    names = ["\x1b[31m", "</script>", "a\nb", "", *(f"d{number}" for number in range(300))]
    report = parse_gateway_report({"devices": dict.fromkeys(names, GOOD)})
    assert len(report.devices) == MOST_DEVICES
    assert report.problems == (
        "devices: 4 with an invalid id",
        "devices: 300, expected at most 256",
    )
    wrong = parse_gateway_report({"devices": {f"d{number}": 3 for number in range(50)}})
    assert len(wrong.problems) == 6
    assert wrong.problems[-1] == "and 45 more problems"


def test_a_long_text_is_cut() -> None:
    report = parse_gateway_report({"devices": {"d": GOOD | {"problem": "x" * 5000}}})
    assert report.devices["d"].problem == "x" * 4096


def test_a_newer_gateway_may_say_more() -> None:
    report = parse_gateway_report({"new": 1, "devices": {"d": GOOD | {"new": {"a": 1}}}})
    assert json.dumps(report.to_dict()["devices"]) == json.dumps({"d": GOOD})
    assert report.problems == ()
