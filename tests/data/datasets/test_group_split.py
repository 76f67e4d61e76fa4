"""Splits: by group, stable, and refused with a name and a fix when they prove nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.data.recording_maker import PROJECT, START, fleet, recording
from tinyops.data.datasets.index import IndexRow, index_rows
from tinyops.data.datasets.split import (
    SplitError,
    assign,
    checked_split,
    find_salt,
    part_of,
    unfit_to_train,
)
from tinyops.data.quality.measure import summarise
from tinyops.data.recordings import Recording
from tinyops.projects import Project
from tinyops.projects.coverage import PARTS
from tinyops.projects.schema import Split

PINNED = ["train", "test", "train", "test", "train", "test", "train", "train"]
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


def rows(recordings: Iterable[Recording], project: Project = PROJECT) -> list[IndexRow]:
    return index_rows(summarise(recordings, project))


def by(group_by: str, salt: str = "") -> Project:
    split = PROJECT.split.model_copy(update={"group_by": group_by, "salt": salt})
    return PROJECT.model_copy(update={"split": split})


@settings(deadline=None, derandomize=True)
@given(st.sets(NAMES), st.sets(NAMES), NAMES)
def test_no_group_moves_when_others_come(old: set[str], new: set[str], salt: str) -> None:
    split = Split(salt=salt)
    before, after = assign(old, split), assign(old | new, split)
    assert all(after[group] == part for group, part in before.items())


def test_shares_are_about_what_is_asked() -> None:
    split = Split(validation=0.1, test=0.3)
    placed = [part_of(f"machine-{number}", split) for number in range(4000)]
    assert placed.count("test") / 4000 == pytest.approx(0.3, abs=0.03)
    assert placed.count("validation") / 4000 == pytest.approx(0.1, abs=0.03)


def test_salt_moves_groups() -> None:
    groups = [f"m{number}" for number in range(30)]
    assert assign(groups, Split(salt="a")) != assign(groups, Split(salt="b"))


def test_assignment_is_pinned() -> None:
    # A change of this hash would move machines of existing datasets from test to train.
    assert [part_of(f"m{number}", Split()) for number in range(8)] == PINNED


def test_a_good_fleet_has_every_class_everywhere() -> None:
    parts = checked_split(rows(fleet()), PROJECT)
    assert set(parts.values()) == set(PARTS)
    assert set(parts) == {f"m{number}" for number in range(12)}
    assert unfit_to_train(rows(fleet()), PROJECT) == ""


def test_few_groups_leave_a_part_empty_and_a_salt_is_suggested() -> None:
    data = rows(fleet(machines=4))
    bad = next(
        salt
        for salt in map(str, range(99))
        if set(assign([row.machine_id for row in data], Split(salt=salt)).values()) != set(PARTS)
    )
    unfit = unfit_to_train(data, by("machine_id", bad))
    assert re.search(r"part \w+ is empty \(4 groups by machine_id\)", unfit)
    salt = find_salt(data, by("machine_id", bad))
    assert salt is not None
    assert f"salt {salt!r}" in unfit
    assert unfit_to_train(data, by("machine_id", salt)) == ""


def test_no_salt_helps_two_groups() -> None:
    data = rows(fleet(machines=2))
    assert find_salt(data, PROJECT) is None
    unfit = unfit_to_train(data, PROJECT)
    assert re.search(r"is empty \(2 groups", unfit)
    assert "would do" not in unfit


@pytest.mark.parametrize("part", PARTS)
def test_a_class_that_a_part_lacks_is_named(part: str) -> None:
    own = {group for group, one in checked_split(rows(fleet()), PROJECT).items() if one == part}
    lacking = [r for r in fleet() if not (r.machine_id in own and r.label == "ball")]
    assert unfit_to_train(rows(lacking), PROJECT).startswith(f"class 'ball' is absent from {part} ")


def test_a_class_that_occurs_nowhere_is_named() -> None:
    unfit = unfit_to_train(rows(r for r in fleet() if r.label != "ball"), PROJECT)
    assert unfit.startswith("class 'ball' is absent from train, validation and test ")
    assert unfit.endswith("-> send recordings of ball, of several groups")


def test_condition_that_is_absent_is_named() -> None:
    data = rows([recording("r1", conditions={"speed": "1"})])
    with pytest.raises(SplitError, match="'r1' has no condition 'load'"):
        checked_split(data, by("condition:load"))


@pytest.mark.parametrize("group_by", ["recording", "condition:load"])
def test_overlapping_captures_may_not_be_on_two_sides(group_by: str) -> None:
    many = [
        recording(
            f"r{number}",
            label=PROJECT.labels[number % 4],
            recorded_at=START + timedelta(seconds=number),
            conditions={"load": f"l{number}"},
        )
        for number in range(60)
    ]
    project = by(group_by, find_salt(rows(many, by(group_by)), by(group_by)) or "")
    parts = checked_split(rows(many, project), project)
    names = {r.recording_id: parts.get(r.recording_id) or parts[r.conditions["load"]] for r in many}
    first = many[0]
    other = next(r for r in many if names[r.recording_id] != names["r0"])
    inside = first.recorded_at + timedelta(seconds=first.seconds / 2)
    shifted = recording(
        other.recording_id,
        label=other.label,
        recorded_at=inside,
        conditions=other.conditions,
    )
    leaking = [shifted if r is other else r for r in many]
    with pytest.raises(SplitError, match="overlap in time") as caught:
        checked_split(rows(leaking, project), project)
    assert "r0" in caught.value.message
    assert other.recording_id in caught.value.message


def test_one_capture_under_two_names_may_not_be_on_two_sides() -> None:
    data = rows(fleet())
    parts = checked_split(data, PROJECT)
    other = next(row for row in data if parts[row.machine_id] != parts[data[0].machine_id])
    twin = IndexRow(**{**vars(other), "fingerprint": data[0].fingerprint})
    with pytest.raises(SplitError, match="the same as"):
        checked_split([twin if row is other else row for row in data], PROJECT)
