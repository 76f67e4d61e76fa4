"""The shape of every DAG: task -> what follows, what it emits, what wakes it."""

from __future__ import annotations

from typing import Any

import pytest

from tinyops.projects import project_names

STRUCTURE = {
    "ingest": {"ingest_batches": []},
    "train": {"choose_dataset": ["train_candidate"], "train_candidate": []},
    "release": {
        "fit": ["compile", "prove"],
        "compile": ["prove"],
        "prove": ["sign_and_stage"],
        "sign_and_stage": [],
    },
}
OUTLETS = {
    "ingest": {"ingest_batches": "dataset"},
    "train": {"train_candidate": "candidate"},
    "release": {"sign_and_stage": "release"},
}
TIMETABLES = {
    "ingest": "AssetTriggeredTimetable",
    "train": "AssetOrTimeSchedule",
    "release": "AssetTriggeredTimetable",
}


@pytest.mark.parametrize("project", project_names())
@pytest.mark.parametrize("stage", STRUCTURE)
def test_stage(bag: dict[str, Any], project: str, stage: str) -> None:
    dag = bag["dags"][f"{project}__{stage}"]
    assert dag["structure"] == STRUCTURE[stage]
    assert dag["timetable"] == TIMETABLES[stage]
    emitted = {task: [f"x-tinyops://{project}/{kind}"] for task, kind in OUTLETS[stage].items()}
    assert dag["outlets"] == emitted


def test_only_ingest_names_the_watched_asset(bag: dict[str, Any]) -> None:
    # A second file that knew the asset without its watcher would take the watcher away.
    watching = {dag_id for dag_id, dag in bag["dags"].items() if dag["watchers"]}
    assert watching == {f"{project}__ingest" for project in project_names()}


def test_maintain(bag: dict[str, Any]) -> None:
    dag = bag["dags"]["tinyops__maintain"]
    assert dag["structure"] == {"refresh_metadata": [], "settle_champions": [], "wake_up": []}
    assert dag["outlets"] == {"wake_up": ["tinyops/wake_up"]}, "an alias emits what is due only"
