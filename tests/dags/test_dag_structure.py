"""The wiring of the DAGs: assets connect them, checks precede what they guard, work is bounded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tinyops.projects import load_project, project_names

Dags = dict[str, dict[str, Any]]
SOMETIMES = "/now_and_then"
"""Ends the alias through which a task emits an asset in some of its runs."""
RELEASE_FILE = ROOT / "dags" / "release.py"

each_project = pytest.mark.parametrize("project", project_names())


def dags_of(bag: dict[str, Any], project: str) -> Dags:
    return {name: dag for name, dag in bag["dags"].items() if name.startswith(f"{project}__")}


def emitted(dag: dict[str, Any]) -> set[str]:
    """Names of the assets that the tasks of a DAG emit."""
    return {name.removesuffix(SOMETIMES) for names in dag["outlets"].values() for name in names}


def awaited(dags: Dags) -> set[str]:
    return {name for dag in dags.values() for name in dag["awaited"]}


def woken_by(dags: Dags, asset: str) -> set[str]:
    """Ids of the DAGs that run because of an asset, or of what the DAGs it wakes emit."""
    assets, woken = {asset}, set()
    while new := {name for name, dag in dags.items() if assets & dag["awaited"].keys()} - woken:
        woken |= new
        assets |= {name for one in new for name in emitted(dags[one])}
    return woken


def before(dag: dict[str, Any], task: str) -> set[str]:
    """Tasks that a task waits for, directly or not."""
    direct = {name for name, following in dag["structure"].items() if task in following}
    return direct.union(*(before(dag, name) for name in direct))


def imports(function: ast.FunctionDef) -> set[str]:
    """Dotted names that a function imports."""
    found = (node for node in ast.walk(function) if isinstance(node, ast.ImportFrom))
    return {f"{node.module}.{alias.name}" for node in found for alias in node.names}


def task_functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            decorators = [ast.unparse(one).partition("(")[0] for one in node.decorator_list]
            if "task" in decorators:
                yield node


@each_project
def test_what_a_dag_waits_for_is_emitted_or_watched(bag: dict[str, Any], project: str) -> None:
    dags = dags_of(bag, project)
    sources = {name for dag in dags.values() for name in emitted(dag)}
    for dag_id, dag in dags.items():
        for asset, watchers in dag["awaited"].items():
            assert watchers or asset in sources, f"{dag_id} waits for {asset} in vain"
            assert asset.startswith(f"{project}/"), f"{dag_id} waits for another project"


@each_project
def test_what_a_dag_emits_wakes_another_or_is_a_release(bag: dict[str, Any], project: str) -> None:
    dags = dags_of(bag, project)
    sources = {name for dag in dags.values() for name in emitted(dag)}
    assert sources - awaited(dags) == {f"{project}/release"}, "gateways poll for releases"


@each_project
def test_new_data_leads_to_a_release_and_drift_to_training(
    bag: dict[str, Any], project: str
) -> None:
    dags = dags_of(bag, project)
    by_data = woken_by(dags, f"{project}/incoming")
    assert f"{project}/release" in {name for one in by_data for name in emitted(dags[one])}
    # Drift asks for labels; training says which of them it waits for.
    by_drift = woken_by(dags, f"{project}/frames")
    assert f"{project}/candidate" in {name for one in by_drift for name in emitted(dags[one])}


@each_project
def test_a_dag_that_waits_for_nothing_is_run_by_hand(bag: dict[str, Any], project: str) -> None:
    for dag_id, dag in dags_of(bag, project).items():
        trigger = dag["doc_md"].partition("**Trigger.**")[2].partition("\n\n")[0]
        assert ("By hand" in trigger) == (dag["timetable"] == "NullTimetable"), dag_id
        named = re.findall(r"`<project>/(\w+)`", trigger)
        assert {f"{project}/{kind}" for kind in named} == dag["awaited"].keys(), dag_id


@each_project
def test_training_follows_the_projects_own_cron(bag: dict[str, Any], project: str) -> None:
    schedule = bag["dags"][f"{project}__train"]["schedule"]
    assert f"'{load_project(project).schedule.train}'" in schedule


def test_a_watched_asset_is_named_by_one_dag(bag: dict[str, Any]) -> None:
    # A second file that knew the asset without its watcher would take the watcher away.
    dags = bag["dags"]
    watched = {
        name: watchers
        for dag in dags.values()
        for name, watchers in dag["awaited"].items()
        if watchers
    }
    assert len(watched) >= len(project_names())
    for asset, [watcher] in watched.items():
        naming = [
            dag_id for dag_id, dag in dags.items() if asset in dag["awaited"].keys() | emitted(dag)
        ]
        assert naming == [f"{watcher['project']}__{naming[0].partition('__')[2]}"], asset
        module, _, function = watcher["outstanding"].partition(":")
        assert callable(getattr(import_module(module), function)), asset


@each_project
def test_a_release_is_signed_after_every_check(bag: dict[str, Any], project: str) -> None:
    dag = bag["dags"][f"{project}__release"]
    [signer] = dag["outlets"]
    assert before(dag, signer) == dag["tasks"].keys() - {signer}
    for name, task in dag["tasks"].items():
        assert task["trigger_rule"] == "all_success", name
        # Each reads what the one before has written.
        others = dag["tasks"].keys() - {name}
        assert all(name in before(dag, one) or one in before(dag, name) for one in others), name


def test_only_the_signing_task_reaches_the_signed_channel(bag: dict[str, Any]) -> None:
    dag = bag["dags"][f"{project_names()[0]}__release"]
    [signer] = dag["outlets"]
    by_function = {one.name: imports(one) for one in task_functions(RELEASE_FILE)}
    imported = {name: by_function[task["function"]] for name, task in dag["tasks"].items()}
    publishing = {
        f"{path.stem}.{one.name}"
        for path in (ROOT / "dags").glob("*.py")
        for one in task_functions(path)
        if "tinyops.releases.publish" in imports(one)
    }
    assert publishing == {f"release.{dag['tasks'][signer]['function']}"}
    checks = set().union(*(imported[name] for name in before(dag, signer)))
    for check in ("fit", "compile", "prove", "benchmark"):
        assert any(name.endswith(f".{check}_candidate") for name in checks), check


def test_what_runs_many_times_at_once_has_a_pool(bag: dict[str, Any]) -> None:
    mapped = {
        f"{dag_id}.{name}": task["pool"]
        for dag_id, dag in bag["dags"].items()
        for name, task in dag["tasks"].items()
        if task["mapped"]
    }
    assert mapped
    assert [name for name, pool in mapped.items() if pool == "default_pool"] == []


def test_no_task_of_maintain_holds_up_another(bag: dict[str, Any]) -> None:
    # Signed metadata expires: it is renewed whatever becomes of the rest.
    assert not any(bag["dags"]["tinyops__maintain"]["structure"].values())
