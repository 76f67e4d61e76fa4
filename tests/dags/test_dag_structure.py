"""The shape of every DAG: task -> what follows, what it emits, what wakes it."""

from __future__ import annotations

from typing import Any

import pytest

from tinyops.projects import project_names

STRUCTURE = {
    "ingest": {
        "ingest_batches": ["measure_files"],
        "measure_files": ["join_batches"],
        "join_batches": [],
    },
    "train": {"choose_dataset": ["train_candidate"], "train_candidate": []},
    "release": {
        "fit": ["compile", "prove"],
        "compile": ["prove"],
        "prove": ["benchmark"],
        "benchmark": ["sign_and_stage"],
        "sign_and_stage": [],
    },
    "monitor": {"judge": ["report"], "report": []},
    "predict": {"choose_shards": ["score"], "score": ["summarise"], "summarise": []},
}
OUTLETS = {
    # Aliases: batches are taken in by the one or by the other, or nothing comes of them.
    "ingest": {
        "ingest_batches": "dataset/now_and_then",
        "join_batches": "dataset/now_and_then",
    },
    "train": {"train_candidate": "candidate"},
    "release": {"sign_and_stage": "release"},
    # An alias: only a request that is new wakes anybody.
    "monitor": {"judge": "drift/now_and_then"},
    "predict": {},
}
TIMETABLES = {
    "ingest": "AssetTriggeredTimetable",
    "train": "AssetOrTimeSchedule",
    "release": "AssetTriggeredTimetable",
    "monitor": "AssetTriggeredTimetable",
    "predict": "NullTimetable",
}


@pytest.mark.parametrize("project", project_names())
@pytest.mark.parametrize("stage", STRUCTURE)
def test_stage(bag: dict[str, Any], project: str, stage: str) -> None:
    dag = bag["dags"][f"{project}__{stage}"]
    assert dag["structure"] == STRUCTURE[stage]
    assert dag["timetable"] == TIMETABLES[stage]
    emitted = {task: f"{project}/{kind}" for task, kind in OUTLETS[stage].items()}
    assert dag["outlets"].keys() == emitted.keys()
    for task, [outlet] in dag["outlets"].items():
        assert outlet.removeprefix("x-tinyops://") == emitted[task]


def test_a_watched_asset_is_named_by_one_dag(bag: dict[str, Any]) -> None:
    # A second file that knew the asset without its watcher would take the watcher away.
    watching = {dag_id for dag_id, dag in bag["dags"].items() if dag["watchers"]}
    stages = ("ingest", "monitor")
    assert watching == {f"{project}__{stage}" for project in project_names() for stage in stages}


@pytest.mark.parametrize("project", project_names())
def test_training_is_woken_by_data_or_by_drift(bag: dict[str, Any], project: str) -> None:
    assert bag["dags"][f"{project}__train"]["assets"] == [f"{project}/dataset", f"{project}/drift"]


def test_maintain(bag: dict[str, Any]) -> None:
    dag = bag["dags"]["tinyops__maintain"]
    tasks = ("refresh_metadata", "settle_champions", "look_for_old_data", "wake_up")
    assert dag["structure"] == {name: [] for name in tasks}
    assert dag["outlets"] == {"wake_up": ["tinyops/wake_up"]}, "an alias emits what is due only"
