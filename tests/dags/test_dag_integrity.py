"""The DAG folder parses without errors into exactly the DAGs that the projects ask for."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.airflow_runs import parse_dags as parse
from tests.support.broken_projects import break_projects
from tests.support.checkout import ROOT
from tinyops.projects import project_names

# Every file of dags/ and the DAGs that it makes; {project} stands for each project.
EXPECTED = {
    "ingest.py": ["{project}__ingest"],
    "train.py": ["{project}__train"],
    "release.py": ["{project}__release"],
    "monitor.py": ["{project}__monitor"],
    "predict.py": ["{project}__predict"],
    "maintain.py": ["tinyops__maintain"],
    "project_errors.py": [],
}


def expected_ids(projects: list[str]) -> set[str]:
    """Every DAG id that these projects should lead to."""
    patterns = [pattern for found in EXPECTED.values() for pattern in found]
    return {pattern.format(project=name) for pattern in patterns for name in projects}


def test_every_file_parses(bag: dict[str, Any]) -> None:
    assert bag["import_errors"] == {}
    assert bag["plugin_errors"] == {}


def test_every_dag_file_is_listed_and_makes_what_it_should(bag: dict[str, Any]) -> None:
    files = {path.name for path in (ROOT / "dags").rglob("*.py")}
    assert files == set(EXPECTED)
    assert set(bag["dags"]) == expected_ids(project_names())
    for name, patterns in EXPECTED.items():
        made = {dag_id for dag_id, dag in bag["dags"].items() if dag["file"] == name}
        wanted = {p.format(project=project) for p in patterns for project in project_names()}
        assert made == wanted, name


def test_parsing_imports_nothing_heavy(bag: dict[str, Any]) -> None:
    assert bag["heavy"] == []


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """A copy of the projects folder."""
    return shutil.copytree(ROOT / "include" / "projects", tmp_path / "projects")


def test_a_new_project_folder_brings_its_own_dags(projects: Path, tmp_path: Path) -> None:
    added = yaml.safe_load((projects / "motor_health" / "project.yaml").read_text())
    (projects / "pump_health").mkdir()
    text = yaml.safe_dump({**added, "name": "pump_health"})
    (projects / "pump_health" / "project.yaml").write_text(text)

    bag = parse(tmp_path, TINYOPS_PROJECTS=str(projects))

    assert bag["import_errors"] == {}
    assert set(bag["dags"]) == expected_ids([*project_names(), "pump_health"])


def test_wrong_projects_show_as_one_import_error_and_spare_the_others(
    projects: Path, tmp_path: Path
) -> None:
    wrong = projects / "motor_health" / "project.yaml"
    content = yaml.safe_load(wrong.read_text())
    del content["objective"]["minimum"]
    wrong.write_text(yaml.safe_dump(content))
    said = break_projects(projects)

    bag = parse(tmp_path, TINYOPS_PROJECTS=str(projects))

    others = [name for name in project_names() if name != "motor_health"]
    assert set(bag["dags"]) == expected_ids(others)
    [(file, text)] = bag["import_errors"].items()
    assert Path(file).name == "project_errors.py"
    assert str(wrong) in text
    assert "objective.minimum" in text
    assert "-> add objective.minimum" in text, "the error says what to do"
    for name, message in said.items():
        assert f"{projects}/{name}/project.yaml" in text, name
        assert message in text, name
