"""Splits by time: nothing moves, neighbours are together, the past is before the future."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.support.data.recording_maker import PROJECT, START, recording
from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.datasets.index import IndexRow, index_rows
from tinyops.data.datasets.split import (
    assign,
    checked_split,
    find_group,
    group_of,
    unfit_to_train,
)
from tinyops.data.ingest.batch import publish_batch
from tinyops.data.ingest.ingest import ingest_batch
from tinyops.data.quality.measure import summarise
from tinyops.projects import Project
from tinyops.projects.coverage import PARTS
from tinyops.projects.split_section import Split, SplitTime
from tinyops.store import Store

DAYS = st.integers(0, 7 * 365 * 86400)
TIMES = DAYS.map(lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
CAPTURES = st.tuples(TIMES, st.floats(0, 200_000))
BUCKETS = st.sampled_from([0.5, 1.0, 6.0, 24.0, 168.0])
ORDERED = SplitTime(validation_from=date(2026, 1, 11), test_from=date(2026, 1, 16))


@st.composite
def splits(draw: st.DrawFn) -> Split:
    hours = draw(BUCKETS)
    gap = draw(st.floats(0, hours * 60 * 0.9))
    borders = {}
    if draw(st.booleans()):
        # Weeks of Unix time begin on Thursdays, and every bucket above divides a week.
        weeks = sorted(draw(st.sets(st.integers(1, 320), min_size=2, max_size=2)))
        names = ("validation_from", "test_from")
        thursday = date(2020, 1, 2)
        borders = {
            name: thursday + timedelta(weeks=week) for name, week in zip(names, weeks, strict=True)
        }
    time = SplitTime(bucket_hours=hours, gap_minutes=gap, **borders)
    return Split(group_by="time", salt=draw(st.text(max_size=4)), time=time)


def placed(split: Split, captures: list[tuple[datetime, float]]) -> list[str]:
    groups = [find_group(split, "r", "m", {}, start, seconds) for start, seconds in captures]
    assert None not in groups
    parts = assign([str(group) for group in groups], split)
    return [parts[str(group)] for group in groups]


@settings(deadline=None, derandomize=True)
@given(splits(), st.lists(CAPTURES, max_size=8), st.lists(CAPTURES, max_size=8))
def test_no_recording_moves_when_others_come(
    split: Split, old: list[tuple[datetime, float]], new: list[tuple[datetime, float]]
) -> None:
    assert placed(split, old) == placed(split, old + new)[: len(old)]
    assert placed(split, old) == placed(split, new + old)[len(new) :]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(splits(), st.lists(CAPTURES, min_size=2, max_size=12), st.data())
def test_recordings_of_two_parts_are_a_gap_apart(
    split: Split, captures: list[tuple[datetime, float]], data: st.DataObject
) -> None:
    # Neighbours, since captures that are drawn alone are seldom near to each other.
    start, seconds = captures[0]
    near = data.draw(st.lists(st.floats(-20_000, 20_000), max_size=8))
    captures = captures + [(start + timedelta(seconds=shift), seconds) for shift in near]
    parts = placed(split, captures)
    gap = timedelta(minutes=split.by_time.gap_minutes)
    slack = timedelta(microseconds=10)
    for one, (start, seconds) in zip(parts, captures, strict=True):
        for other, (later, _) in zip(parts, captures, strict=True):
            if later >= start and one != other and "gap" not in (one, other):
                assert later - (start + timedelta(seconds=seconds)) >= gap - slack


@settings(deadline=None, derandomize=True)
@given(splits(), st.lists(CAPTURES, max_size=12))
def test_where_there_are_borders_training_is_the_past(
    split: Split, captures: list[tuple[datetime, float]]
) -> None:
    if split.by_time.test_from is None:
        return
    parts = placed(split, captures)
    starts = {
        part: [start for start, _ in (c for c, p in zip(captures, parts, strict=True) if p == part)]
        for part in PARTS
    }
    for before, after in (("train", "validation"), ("validation", "test"), ("train", "test")):
        assert all(a < b for a in starts[before] for b in starts[after])


def test_assignment_is_pinned() -> None:
    # A change of names or hash would move recordings of existing datasets from test to train.
    split = Split(group_by="time", time=SplitTime(gap_minutes=0))
    days = [(START + timedelta(days=number, hours=12), 60.0) for number in range(10)]
    assert find_group(split, "r", "m", {}, *days[0]) == "2026-01-01T00:00:00Z"
    assert placed(split, days) == PINNED


PINNED = ["train", "test", "validation", "train", "test"]
PINNED += ["train", "train", "test", "train", "train"]


def captures(days: range, project: Project = PROJECT) -> list[IndexRow]:
    """At noon of each day, a recording of every class, of the same two machines."""
    made = [
        recording(
            f"d{day}-{label}",
            machine_id=f"m{day % 2}",
            label=label,
            recorded_at=START + timedelta(days=day, hours=12, minutes=number),
        )
        for day in days
        for number, label in enumerate(PROJECT.labels)
    ]
    return index_rows(summarise(made, project))


def by_time(time: SplitTime | None, salt: str = "") -> Project:
    split = Split(group_by="time", salt=salt, time=time)
    return PROJECT.model_copy(update={"split": split})


def test_the_past_teaches_and_the_future_tests() -> None:
    project = by_time(ORDERED)
    parts = checked_split(captures(range(20), project), project)
    assert list(parts.values()) == ["train"] * 10 + ["validation"] * 5 + ["test"] * 5


def test_a_future_that_has_not_come_is_named_with_the_fix() -> None:
    project = by_time(ORDERED)
    unfit = unfit_to_train(captures(range(12), project), project)
    assert unfit.startswith("part test is empty ")
    assert "split.time.validation_from and test_from" in unfit


def test_a_class_that_the_future_lacks_is_named() -> None:
    project = by_time(ORDERED)
    rows = captures(range(15), project)
    rows += [row for row in captures(range(15, 20), project) if row.label != "ball"]
    assert unfit_to_train(rows, project).startswith("class 'ball' is absent from test ")


def test_a_class_that_only_a_gap_holds_is_absent() -> None:
    project = by_time(ORDERED)
    rows = [row for row in captures(range(20), project) if row.label != "ball"]
    border = START + timedelta(days=10, minutes=5)
    late = index_rows(summarise([recording("late", label="ball", recorded_at=border)], project))
    assert group_of(project.split, late[0]) == "gap"
    absent = "class 'ball' is absent from train, validation and test "
    assert unfit_to_train(rows + late, project).startswith(absent)


def test_a_salt_is_suggested_that_suits_the_gaps_too() -> None:
    few = captures(range(4), by_time(None))
    hint = unfit_to_train(few, by_time(None, "bad")).partition("salt '")[2].partition("'")[0]
    assert hint
    assert unfit_to_train(few, by_time(None, hint)) == ""


def test_a_time_beyond_the_calendar_has_no_group() -> None:
    split = Split(group_by="time")
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert find_group(split, "r", "m", {}, last, 7200.0) is None
    assert find_group(split, "r", "m", {}, START, 1e300) is None
    assert find_group(split, "r", "m", {}, START, float("inf")) is None


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ({"test_from": "2026-01-01"}, "give both or neither"),
        ({"validation_from": "2026-02-01", "test_from": "2026-01-01"}, "before test_from"),
        ({"bucket_hours": 1, "gap_minutes": 60}, "leaves nothing"),
        (
            {"bucket_hours": 48, "validation_from": "2026-01-02", "test_from": "2026-01-04"},
            "not where a group",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(time: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Split(group_by="time", time=SplitTime.model_validate(time))


def test_settings_of_time_belong_to_a_split_by_time() -> None:
    with pytest.raises(ValidationError, match="only read with group_by: time"):
        Split(time=SplitTime())


def test_a_version_keeps_what_is_in_a_gap_and_gives_it_to_no_part(store: Store) -> None:
    project = by_time(ORDERED)
    made = [
        recording(f"d{day}-{label}", label=label, recorded_at=START + timedelta(days=day, hours=12))
        for day in range(20)
        for label in PROJECT.labels
    ]
    made.append(recording("between", recorded_at=START + timedelta(days=10, minutes=5)))
    publish_batch(store, project, "b", made)
    answer = ingest_batch(store, project, "b")
    assert answer["status"] == "accepted", answer["reason"]
    dataset = open_dataset(store, project, answer["dataset"])
    assert dataset.manifest["counts"]["by_part"]["gap"] == 1
    assert sum(1 for _ in dataset.recordings()) == 81
    used = [one.recording_id for part in PARTS for one in dataset.recordings(part)]
    assert len(used) == 80
    assert "between" not in used
    assert dataset.split == project.split
