"""A candidate whose data lacked a class is not released: by the release itself, a second time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.candidate_maker import put_candidate
from tinyops.conversion.candidates.coverage import UnfitCandidate
from tinyops.conversion.candidates.release import fit_candidate
from tinyops.projects import load_project
from tinyops.projects.coverage import PARTS
from tinyops.store import Consumer, Store, receipts
from tinyops_airflow.work import refusing

NAME = "motor_health"
LABELS = load_project(NAME).labels
WHOLE = {part: dict.fromkeys(LABELS, 30) for part in PARTS}


@pytest.mark.parametrize(
    ("windows", "gap"),
    [
        (WHOLE | {"test": WHOLE["test"] | {"normal": 0}}, "class 'normal' is absent from test"),
        (
            {part: {name: 30 for name in LABELS if name != "normal"} for part in PARTS},
            "class 'normal' is absent from train, validation and test",
        ),
        ({}, "part test is empty"),
    ],
    ids=["test", "everywhere", "not counted"],
)
def test_a_candidate_without_a_class_is_refused_for_good(
    store: Store, windows: dict[str, Any], gap: str
) -> None:
    put_candidate(store, NAME, "run-1", labels=LABELS, windows=windows)
    with pytest.raises(UnfitCandidate, match=gap), refusing(store, NAME, "run-1"):
        fit_candidate(store, NAME, "run-1")
    refused = receipts.read(store, NAME, Consumer.RELEASE, "run-1")
    assert refused is not None
    assert refused.status == "refused"
    assert gap in refused.reason
