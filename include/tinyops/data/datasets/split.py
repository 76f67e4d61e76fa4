"""Divide groups into train, validation and test: by group, never by window, stable over time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from tinyops.data.datasets.index import IndexRow
from tinyops.data.datasets.time_split import GAP, is_ordered, ordered_part, own_stretch, stretches
from tinyops.data.recordings.recording import Recording
from tinyops.errors import TinyOpsError
from tinyops.projects.coverage import UsedPart, coverage_gaps
from tinyops.projects.schema import Project, Split

Part = UsedPart | Literal["gap"]
"""A part that is used, or what a split by time leaves between them."""


class SplitError(TinyOpsError):
    """The same data would be on two sides of the split, or a recording has no group."""


def group_of(split: Split, row: IndexRow) -> str:
    """The group a recording belongs to.

    Raises
    ------
    SplitError
        The split is by a condition that this recording does not have.
    """
    group = find_group(split, *group_facts(row))
    if group is None:
        raise SplitError(
            f"recording {row.recording_id!r} has no {_wanted(split)}",
            "record it or change split.group_by",
        )
    return group


def group_facts(
    row: IndexRow | Recording,
) -> tuple[str, str, Mapping[str, str], datetime, float]:
    """What a group is found by, in the order in which `find_group` takes it."""
    at = row.recorded_at
    start = datetime.fromisoformat(at).astimezone(UTC) if isinstance(at, str) else at
    return row.recording_id, row.machine_id, row.conditions, start, row.seconds


def find_group(
    split: Split,
    recording_id: str,
    machine_id: str,
    conditions: Mapping[str, str],
    recorded_at: datetime | None = None,
    seconds: float = 0.0,
) -> str | None:
    """The group, or None where the condition or the time that the split goes by is absent."""
    if split.group_by == "machine_id":
        return machine_id
    if split.group_by == "recording":
        return recording_id
    if split.group_by == "time":
        return None if recorded_at is None else _group_by_time(split, recorded_at, seconds)
    return conditions.get(_condition(split)) or None


def part_of(group: str, split: Split) -> Part:
    """Where a group falls: SHA-256 of salt and group, read as a number in [0, 1).

    Other groups have no say in it, so a group never moves when data is added. Stretches of time
    go by the borders in time where the split has them.
    """
    if split.group_by == "time":
        if group == GAP:
            return "gap"
        if is_ordered(split.by_time):
            return ordered_part(split.by_time, group)
    digest = hashlib.sha256(f"{split.salt}\0{group}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < split.test:
        return "test"
    return "validation" if position < split.test + split.validation else "train"


def assign(groups: Iterable[str], split: Split) -> dict[str, Part]:
    """The part of each group, sorted by group."""
    return {group: part_of(group, split) for group in sorted(set(groups))}


def checked_split(rows: Sequence[IndexRow], project: Project) -> dict[str, Part]:
    """Divide recordings by group and refuse a leak from one part into another.

    Raises
    ------
    SplitError
        One recording, or one stretch of time of one device, is on two sides. Names both
        recordings, and the fix.
    """
    groups = [group_of(project.split, row) for row in rows]
    parts = assign(groups, project.split)
    placed = [parts[group] for group in groups]
    _refuse_twins(rows, placed)
    _refuse_overlap(rows, placed)
    return parts


def unfit_to_train(rows: Sequence[IndexRow], project: Project) -> str:
    """Reason why no model can be trained and judged on these recordings, with the fix; "" if one
    can: every class of the project is in every part."""
    groups = [group_of(project.split, row) for row in rows]
    parts = assign(groups, project.split)
    gaps = coverage_gaps(labels_by_part(rows, [parts[group] for group in groups]), project.labels)
    if not gaps:
        return ""
    by = project.split.group_by
    if by == "time" and is_ordered(project.split.by_time):
        fix = "send recordings of that time, or move split.time.validation_from and test_from"
    else:
        salt = find_salt(rows, project)
        hint = f"; salt {salt!r} would do for this data" if salt else ""
        fix = f"send recordings of more groups, or set split.salt in project.yaml{hint}"
        if absent := set(project.labels) - {row.label for row in rows}:
            named = ", ".join(name for name in project.labels if name in absent)
            fix = f"send recordings of {named}, of several groups"
    return f"{gaps} ({len(parts)} groups by {by}) -> {fix}"


def find_salt(rows: Sequence[IndexRow], project: Project, tries: int = 200) -> str | None:
    """The first salt of "1", "2", … that leaves no part without a class: a hint for people."""
    if set(project.labels) - {row.label for row in rows}:
        return None
    for number in range(1, tries + 1):
        split = project.split.model_copy(update={"salt": str(number)})
        # By time, it depends on the salt which recordings are near to a border.
        groups = [group_of(split, row) for row in rows]
        parts = assign(groups, split)
        counts = labels_by_part(rows, [parts[group] for group in groups])
        if not coverage_gaps(counts, project.labels):
            return split.salt
    return None


def _group_by_time(split: Split, start: datetime, seconds: float) -> str | None:
    touched = stretches(split.by_time, start, seconds)
    if not touched:
        return None
    if len({part_of(name, split) for name in touched}) > 1:
        return GAP
    return own_stretch(split.by_time, start)


def _wanted(split: Split) -> str:
    by_time = split.group_by == "time"
    return "time in the calendar" if by_time else f"condition {_condition(split)!r}"


def _condition(split: Split) -> str:
    return split.group_by.removeprefix("condition:")


def labels_by_part(rows: Sequence[IndexRow], placed: Sequence[Part]) -> dict[str, Counter[str]]:
    """{part: {class: recordings}}, rows and their parts side by side."""
    counts: dict[str, Counter[str]] = {}
    for part, row in zip(placed, rows, strict=True):
        counts.setdefault(part, Counter())[row.label] += 1
    return counts


def _refuse_twins(rows: Sequence[IndexRow], placed: Sequence[Part]) -> None:
    seen: dict[str, tuple[Part, str]] = {}
    for part, row in zip(placed, rows, strict=True):
        if part == GAP:
            continue
        for name in (f"id {row.recording_id}", f"fingerprint {row.fingerprint}"):
            before, other = seen.setdefault(name, (part, row.recording_id))
            if before != part:
                raise SplitError(
                    f"recording {row.recording_id!r} is in {part}, the same as "
                    f"{other!r} in {before}",
                    "keep one of the two",
                )


def _refuse_overlap(rows: Sequence[IndexRow], placed: Sequence[Part]) -> None:
    # A capture cut in two that overlap puts the same window on both sides under two names.
    last: dict[tuple[str, str, str], dict[Part, tuple[IndexRow, Part]]] = {}
    for row, part in sorted(zip(rows, placed, strict=True), key=lambda pair: pair[0].span):
        if part == GAP:
            continue
        latest = last.setdefault((row.machine_id, row.device_id, row.sensor), {})
        for other, there in latest.values():
            if there != part and row.span[0] < other.span[1]:
                raise SplitError(
                    f"recordings {other.recording_id!r} in {there} and {row.recording_id!r} in "
                    f"{part} overlap in time on device {row.device_id!r}",
                    "correct recorded_at, or set split.group_by to machine_id",
                )
        if part not in latest or latest[part][0].span[1] < row.span[1]:
            latest[part] = (row, part)
