"""Devices and gateways: strict in what counts, lenient in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.frame_makers import DEVICE, record
from tinyops.fleet.reports import GatewayReport, parse_gateway_report
from tinyops.monitoring.device_binding import (
    FOREIGN_DEVICE,
    HANDOVER,
    LATE,
    MOST_EARLIER,
    UNKNOWN_DEVICE,
    Binding,
    bindings_content,
    fault,
    read_bindings,
    renew_bindings,
)

PROJECT = "motor_health"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEEP = timedelta(days=90)


def lists(*devices: str, at: datetime = NOON, project: str = PROJECT) -> GatewayReport:
    rows = {device: {"project": project} for device in devices}
    return parse_gateway_report({"devices": rows}, at)


def renewed(
    before: dict[str, Binding], now: datetime = NOON, **reports: GatewayReport
) -> dict[str, Binding]:
    return renew_bindings(before, reports, PROJECT, now, KEEP)


def said(
    bindings: dict[str, Binding], gateway: str, at: datetime = NOON, now: datetime | None = None
) -> str:
    return fault(bindings, gateway, record(received_at=at.isoformat()), now or max(at, NOON))


@pytest.fixture
def bound() -> dict[str, Binding]:
    """The device hangs off gateway `a`."""
    return renewed({}, a=lists(DEVICE))


def test_frames_of_listed_devices_count(bound: dict[str, Binding]) -> None:
    assert said(bound, "a") == ""
    assert said(bound, "b") == FOREIGN_DEVICE
    assert said({}, "a") == UNKNOWN_DEVICE
    assert said(renewed({}, a=lists(DEVICE, project="exercise_watch")), "a") == UNKNOWN_DEVICE


def test_a_gateway_that_lists_anothers_device_gets_nothing(bound: dict[str, Binding]) -> None:
    after = renewed(bound, NOON + MINUTE, a=lists(DEVICE), b=lists(DEVICE))
    assert after[DEVICE].gateway == "a"
    assert said(after, "b") == FOREIGN_DEVICE


@pytest.mark.parametrize(
    ("hours", "reason"), [(-24 * 30, ""), (0, ""), (23, ""), (25, UNKNOWN_DEVICE)]
)
def test_a_status_may_be_older_than_the_frames(
    bound: dict[str, Binding], hours: int, reason: str
) -> None:
    at = NOON + timedelta(hours=hours)
    unlisted = renewed(bound, NOON + 2 * DAY, a=GatewayReport(problems=("damaged",)))
    assert said(unlisted, "a", at) == reason


def test_a_clock_that_is_ahead_is_not_the_bindings_matter(bound: dict[str, Binding]) -> None:
    assert said(bound, "a", NOON + 5 * DAY, now=NOON) == ""


def test_a_device_moves_when_its_gateway_lists_it_no_longer(bound: dict[str, Binding]) -> None:
    later = NOON + 5 * MINUTE
    moved = renewed(bound, later, a=lists(at=later), b=lists(DEVICE, at=later))
    assert moved[DEVICE].gateway == "b"
    assert said(moved, "b", later) == ""
    assert said(moved, "a", NOON) == "", "received before it moved, whenever the file comes"
    assert said(moved, "a", later + MINUTE) == FOREIGN_DEVICE
    back = renewed(moved, later + MINUTE, a=lists(DEVICE, at=later), b=lists(at=later))
    assert said(back, "a", later + MINUTE) == ""
    assert said(back, "b", later) == ""


@pytest.mark.parametrize(
    ("silence", "gateway"), [(HANDOVER - MINUTE, "a"), (HANDOVER + MINUTE, "b")]
)
@pytest.mark.parametrize("status", ["stale", "missing", "damaged"])
def test_a_dead_gateway_gives_its_devices_up_after_a_while(
    bound: dict[str, Binding], silence: timedelta, gateway: str, status: str
) -> None:
    now = NOON + silence
    reports = {"b": lists(DEVICE, at=now)}
    if status != "missing":
        reports["a"] = lists(DEVICE) if status == "stale" else GatewayReport(problems=("damaged",))
    assert renewed(bound, now, **reports)[DEVICE].gateway == gateway


def test_of_several_gateways_the_live_one_follows(bound: dict[str, Binding]) -> None:
    now = NOON + DAY
    after = renewed(bound, now, b=lists(DEVICE, at=NOON), c=lists(DEVICE, at=now))
    assert after[DEVICE].gateway == "c"


def test_a_device_that_moves_for_ever_is_remembered_in_part(bound: dict[str, Binding]) -> None:
    for hour in range(1, 20):
        now = NOON + timedelta(hours=hour)
        here, there = ("a", "b") if hour % 2 == 0 else ("b", "a")
        bound = renewed(bound, now, **{here: lists(DEVICE, at=now), there: lists(at=now)})
    assert len(bound[DEVICE].earlier) == MOST_EARLIER


def test_devices_that_nobody_lists_are_forgotten_in_the_end(bound: dict[str, Binding]) -> None:
    assert DEVICE in renewed(bound, NOON + KEEP)
    assert renewed(bound, NOON + KEEP + MINUTE) == {}
    assert LATE < KEEP


def test_what_is_stored_is_read_again(bound: dict[str, Binding]) -> None:
    bound[DEVICE] = replace(bound[DEVICE], earlier=(("b", NOON),))
    assert read_bindings(bindings_content(bound)) == bound
