"""Coverage: which class is absent from which part, in words."""

from __future__ import annotations

import pytest

from tinyops.projects.coverage import PARTS, coverage_gaps

LABELS = ["normal", "ball"]
WHOLE = {part: {"normal": 3, "ball": 1} for part in PARTS}


def test_every_class_in_every_part_is_no_gap() -> None:
    assert coverage_gaps(WHOLE | {"gap": {"normal": 1}}, LABELS) == ""


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"test": {"normal": 3}}, "class 'ball' is absent from test"),
        ({"test": {"normal": 3, "ball": 0}}, "class 'ball' is absent from test"),
        (
            {part: {"ball": 2} for part in PARTS},
            "class 'normal' is absent from train, validation and test",
        ),
        ({"test": {}}, "part test is empty"),
        ({"test": {"other": 4}}, "part test is empty"),
        (
            {"validation": {"normal": 1}, "test": {"ball": 1}},
            "class 'normal' is absent from test; class 'ball' is absent from validation",
        ),
        (
            {"train": {"ball": 1}, "validation": {}, "test": {}},
            "part validation is empty; part test is empty; "
            "class 'normal' is absent from train, validation and test",
        ),
    ],
)
def test_what_is_absent_is_named(changes: dict[str, dict[str, int]], sentence: str) -> None:
    assert coverage_gaps(WHOLE | changes, LABELS) == sentence


def test_no_recordings_leave_every_part_empty() -> None:
    assert coverage_gaps({}, LABELS).count("is empty") == len(PARTS)
