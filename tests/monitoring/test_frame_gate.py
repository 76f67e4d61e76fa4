"""The gate of frames: every kind of bad frame gets its reason, and good ones go on beside them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.frame_makers import (
    DEVICE,
    EPOCH,
    GATEWAY,
    MODEL,
    SKETCH,
    TAG,
    VERSION,
    N,
    damaged,
    record,
)
from tinyops.monitoring.device_binding import FOREIGN_DEVICE, UNKNOWN_DEVICE, Binding
from tinyops.monitoring.frame_gate import Gated, check_frames
from tinyops.monitoring.frame_inbox import FrameFile
from tinyops.monitoring.frame_suite import RAW, KnownRelease
from tinyops.monitoring.table import Row
from tinyops.projects import load_project
from tinyops.sketches.frames import FRAME_BYTES, SATURATED, FrameRecord

PROJECT = load_project("motor_health")
RELEASES = {VERSION: KnownRelease(TAG, MODEL, N, classes=4)}
FILE = FrameFile("2026-11-22", GATEWAY, 1).id
OTHER, STOLEN = "press-8", "press-40"
"""Devices of the same gateway, and of another."""


def check(records: list[FrameRecord], stored: list[FrameRecord] | None = None) -> Gated:
    rows = [Row(one, FILE) for one in records]
    before = [Row(one, FILE) for one in stored or []]
    now = datetime.now(UTC)
    bindings = {device: Binding(GATEWAY, now) for device in (DEVICE, OTHER)}
    bindings[STOLEN] = Binding("line-4", now)
    return check_frames(rows, PROJECT, RELEASES, before, bindings, now)


def late(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


GOOD = record(0)
CLASSES_AT, HISTOGRAM_AT, OUT_OF_RANGE_AT = 38, 7, 28

BAD: dict[str, tuple[FrameRecord, str]] = {
    "wrong crc": (replace(record(1), frame=damaged(record(1).frame)), "wrong CRC"),
    "kind": (
        replace(record(1), frame=damaged(record(1).frame, 0, crc=True)),
        "another kind of frame",
    ),
    "classes": (
        replace(record(1), frame=damaged(record(1).frame, CLASSES_AT, crc=True)),
        "classes do not sum to the windows",
    ),
    "histogram": (
        replace(record(1), frame=damaged(record(1).frame, HISTOGRAM_AT, crc=True)),
        "a histogram sums to more than the windows",
    ),
    "out of range": (
        replace(record(1), frame=damaged(record(1).frame, OUT_OF_RANGE_AT, crc=True)),
        "more out of range than windows",
    ),
    "project": (record(1, project="exercise_watch"), "of another project"),
    "gateway": (record(1, gateway="line-4"), "sent by another gateway"),
    "device": (record(1, device="press-99"), UNKNOWN_DEVICE),
    "stolen device": (record(1, device=STOLEN), FOREIGN_DEVICE),
    "release": (record(1, version="v9"), "unknown release"),
    "model": (record(1, model_sha256="cd" * 32), "not its release's model"),
    "tag": (record(1, reference_tag="ba9876543210"), "not its release's reference tag"),
    "tag byte": (
        record(1, replace(SKETCH, reference=SKETCH.reference ^ 1)),
        "the frame's bytes for model and reference are others",
    ),
    "model byte": (
        record(1, replace(SKETCH, model=0xAC)),
        "the frame's bytes for model and reference are others",
    ),
    "counter": (replace(record(1), window=2 * N), "the frame's window counter is another"),
    "partial": (
        record(
            1,
            replace(
                SKETCH,
                n=8,
                histograms=((1,) * 8,) * 3,
                confidence=(1,) * 8,
                classes=(8, *(0,) * 7),
            ),
        ),
        "not a full frame",
    ),
    "other classes": (
        record(1, replace(SKETCH, classes=(60, 0, 0, 0, 4, 0, 0, 0))),
        "classes that its release does not have",
    ),
    "saturated": (record(1, replace(SKETCH, flags=SATURATED)), "a counter saturated"),
    "future": (record(1, received_at=late(days=-1)), "received in the future"),
    "old": (record(1, received_at=late(days=91)), "older than retention"),
}


@pytest.fixture(scope="module")
def together() -> Gated:
    """One good frame and one of every bad kind, which cost one run of Great Expectations."""
    return check([GOOD, *(one for one, _ in BAD.values())])


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_frame_is_set_aside_with_its_reason(together: Gated, kind: str) -> None:
    bad, reason = BAD[kind]
    [found] = [one for one in together.bad if one.row.record == bad]
    assert found.reasons[0] == reason


def test_the_good_frame_goes_on_and_every_other_is_counted_once(together: Gated) -> None:
    assert [row.record for row in together.good] == [GOOD]
    assert {one.row.record for one in together.bad} == {bad for bad, _ in BAD.values()}
    assert together.reasons == Counter(reason for _, reason in BAD.values())


def test_a_clock_that_is_slightly_ahead_is_forgiven() -> None:
    assert check([record(0, received_at=late(minutes=-4))]).bad == []


def test_frames_that_count_the_same_windows_go_on_once() -> None:
    stored = [record(0), record(1)]
    again = replace(record(1), received_at=late(seconds=-60))
    other = record(2, replace(SKETCH, classes=(N, *(0,) * 7)))
    overlapping = replace(record(3), window=3 * N + 10, frame=_at(3 * N + 10))
    gated = check([again, record(2), other, record(2), record(3), overlapping], stored)
    assert [row.record.window for row in gated.good] == [2 * N, 3 * N]
    assert [(one.row.record.window, *one.reasons) for one in gated.bad] == [
        (N, "sent twice"),
        (2 * N, "counted windows that another frame has counted"),
        (2 * N, "sent twice"),
        (3 * N + 10, "counted windows that another frame has counted"),
    ]


def _at(window: int) -> bytes:
    return replace(SKETCH, window=window).pack()


@pytest.mark.parametrize(
    "other",
    [{"epoch": EPOCH + 1}, {"device": OTHER}],
    ids=["after another boot", "another device"],
)
def test_counters_of_others_are_no_matter(other: dict[str, object]) -> None:
    assert check([record(0, **other)], [record(0)]).bad == []


def test_frames_may_come_in_any_order() -> None:
    numbers = list(range(40))
    random.Random(5).shuffle(numbers)
    gated = check([record(number) for number in numbers[:25]], [record(n) for n in numbers[25:]])
    assert gated.bad == []
    assert sorted(row.record.window // N for row in gated.good) == sorted(numbers[:25])


def test_a_damaged_frame_does_not_take_the_place_of_the_right_one() -> None:
    right = record(1)
    gated = check([replace(right, frame=damaged(right.frame)), right])
    assert [row.record for row in gated.good] == [right]
    assert gated.reasons == {"wrong CRC": 1}


def test_no_frame_passes_that_cannot_be_read_as_counts() -> None:
    dice = random.Random(3)
    mutants = [
        replace(one, frame=damaged(one.frame, dice.randrange(5, FRAME_BYTES - 2), crc=True))
        for one in map(record, range(400))
    ]
    gated = check(mutants)
    good = [row.record for row in gated.good]
    assert {*good, *(one.row.record for one in gated.bad)} == set(mutants)
    assert good, "a change within the sums' limits cannot be seen"
    assert gated.bad, "most changes break a sum"
    assert all(row.record.sketch().n == N for row in gated.good)


def test_the_counter_goes_on_beyond_sixteen_bits() -> None:
    assert check([record(2**16 // N), record(2**16 // N + 1)], [record(0)]).bad == []


def test_frames_of_nothing_need_no_gate() -> None:
    assert check([]) == Gated([])


def test_raw_is_what_a_frame_packs() -> None:
    assert RAW.itemsize == FRAME_BYTES
    assert RAW.fields is not None
    offsets = {name: RAW.fields[name][1] for name in ("histograms", "out_of_range", "classes")}
    assert offsets == {
        "histograms": HISTOGRAM_AT,
        "out_of_range": OUT_OF_RANGE_AT,
        "classes": CLASSES_AT,
    }
    assert record(0).device == DEVICE


def test_the_gate_says_what_it_expected(together: Gated) -> None:
    first = together.validations[0]
    said = [one["expectation_config"]["meta"]["reason"] for one in first["results"]]
    assert {reason for _, reason in BAD.values()} == set(said)
    assert first["statistics"]["evaluated_expectations"] == len(said)
