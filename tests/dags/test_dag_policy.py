"""House rules for DAGs, as tests: what every DAG must say and may not do."""

from __future__ import annotations

import ast
import json
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tinyops.projects import load_projects
from tinyops_airflow.tags import Tag

SECTIONS = (
    "Trigger",
    "Params",
    "Inputs and outputs",
    "Idempotency",
    "When it fails",
    "Owner",
)
DAG_FILES = sorted((ROOT / "dags").glob("*.py"))


def test_tags_come_from_the_closed_set(bag: dict[str, Any]) -> None:
    stages = {tag for tag in Tag if tag.startswith("stage:")}
    impacts = {tag for tag in Tag if tag.startswith("impact:")}
    for dag_id, dag in bag["dags"].items():
        tags = set(dag["tags"])
        assert len(tags & stages) == 1, dag_id
        assert len(tags & impacts) == 1, dag_id
        project = dag_id.partition("__")[0]
        assert tags - stages - impacts <= {f"project:{project}"}, dag_id


def test_every_task_has_an_owner_a_limit_and_the_retry_policy(bag: dict[str, Any]) -> None:
    owners = {project.name: project.owner for project in load_projects()} | {"tinyops": "tinyops"}
    for dag_id, dag in bag["dags"].items():
        for task_id, task in dag["tasks"].items():
            name = f"{dag_id}.{task_id}"
            assert task["owner"] == owners[dag_id.partition("__")[0]], name
            assert task["retries"] >= 1, name
            assert task["backoff"] > 1, name
            assert task["retry_policy"] == "ExceptionRetryPolicy", name
            assert 0 < task["execution_timeout"] <= dag["dagrun_timeout"], name
            assert task["doc"].strip(), f"{name} says what it does"


def test_every_dag_runs_one_at_a_time_and_never_catches_up(bag: dict[str, Any]) -> None:
    for dag_id, dag in bag["dags"].items():
        assert dag["max_active_runs"] == 1, dag_id
        assert dag["catchup"] is False, dag_id
        assert dag["start_date"].startswith("2026-01-01 00:00:00"), dag_id


def test_every_dag_documents_itself(bag: dict[str, Any]) -> None:
    for dag_id, dag in bag["dags"].items():
        found = re.findall(r"^\*\*(.+?)\.\*\*", dag["doc_md"], flags=re.M)
        assert found == list(SECTIONS), dag_id


def test_params_are_typed_and_described(bag: dict[str, Any]) -> None:
    for dag_id, dag in bag["dags"].items():
        for name, param in dag["params"].items():
            assert param["schema"].get("type"), f"{dag_id} {name}"
            assert param["description"], f"{dag_id} {name}"
            assert f"`{name}`" in dag["doc_md"], f"{dag_id} {name}"


def test_pools_are_those_that_set_up_imports(bag: dict[str, Any]) -> None:
    text = (ROOT / "plugins" / "tinyops_airflow" / "pools.json").read_text()
    known = {"default_pool", *json.loads(text)}
    used = {task["pool"] for dag in bag["dags"].values() for task in dag["tasks"].values()}
    assert used <= known


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_paths_are_never_keyed_by_a_logical_date(path: Path) -> None:
    # Asset-triggered runs have none: `ds` and its kin are missing from their context.
    code = re.sub(r'""".*?"""', "", path.read_text(), flags=re.S)
    assert not re.search(r"\{\{\s*(ds|ts|data_interval)|logical_date|data_interval_\w+", code)


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_tasks_hide_no_error_and_import_what_exists(path: Path) -> None:
    """The retry policy sees every error; names that only a run imports are there."""
    tree = ast.parse(path.read_text())
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Try)]
    # Parsing has met the imports at the top already, and Airflow is not imported in this process.
    for node in set(ast.walk(tree)) - set(tree.body):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tinyops"):
            for alias in node.names:
                assert _exists(node.module, alias.name), f"{path.name}:{node.lineno} {alias.name}"


def _exists(module: str, name: str) -> bool:
    """Return True if the module has the name, or a module of that name in it."""
    found = import_module(module)
    if hasattr(found, name):
        return True
    return hasattr(found, "__path__") and find_spec(f"{module}.{name}") is not None
