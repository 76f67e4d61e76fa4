"""project.yaml: the shipped ones load, wrong ones are refused by file, key and fix."""

from __future__ import annotations

import ast
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.broken_projects import BROKEN
from tinyops.errors import TinyOpsError
from tinyops.projects import (
    ProjectError,
    load_project,
    load_projects,
    project_names,
    projects_folder,
)
from tinyops.projects.cron import PRESETS
from tinyops.projects.load import parse_project

MOTOR = yaml.safe_load((projects_folder() / "motor_health" / "project.yaml").read_text())
PATH = Path("/projects/motor_health/project.yaml")


def parse(**changed: Any) -> Any:
    return parse_project(yaml.safe_dump(MOTOR | changed), PATH)


def test_shipped_projects_load() -> None:
    loaded = load_projects()
    assert [project.name for project in loaded] == project_names()
    assert {"exercise_watch", "motor_health", "motor_sound"} <= set(project_names())


def test_a_project_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_project("motor_health").title = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changed", "message", "fix"),
    [
        ({"lables": ["a", "b"]}, "lables: unknown key", "remove lables"),
        ({"name": "other_name"}, "'other_name' in a folder called 'motor_health'", "same name"),
        ({"name": "Bad-Name"}, "name:", "correct name"),
        ({"labels": ["one"]}, "labels:", "correct labels"),
        ({"labels": ["a", "a"]}, "labels: a name is used twice", "correct"),
        ({"boards": []}, "boards:", "correct boards"),
        ({"split": {"test": 0.6, "validation": 0.4}}, "leave 0.1 to train on", "correct split"),
        ({"split": {"group_by": "window"}}, "split.group_by", "correct split.group_by"),
        ({"rollout": {"rings": [1.0, 0.5]}}, "must grow and end in 1.0", "correct rollout"),
        ({"constraints": {"esp-eye": MOTOR["constraints"]["nano33ble-sense"]}}, "esp-eye", ""),
        ({"signal": MOTOR["signal"] | {"hop": 65536}}, "leaves gaps", "correct signal"),
        ({"signal": MOTOR["signal"] | {"full_scale": [1, 2]}}, "2 values for 1 channels", ""),
        ({"objective": {"minimum": 1.5}}, "objective.minimum", "correct objective.minimum"),
        ({"objective": {"minimum": 0.5, "tail_loss": 2}}, "objective.tail_loss", "correct"),
        ({"objective": {"minimum": 0.5, "slices": ["day"]}}, "objective.slices.0", "correct"),
        ({"training": {"qat_epochs": -1}}, "training.qat_epochs", "correct training.qat_epochs"),
        (
            {"objective": {"minimum": 0.5, "allowed_slowdown": -0.1}},
            "objective.allowed_slowdown: Input should be greater than or equal to 0",
            "correct objective.allowed_slowdown",
        ),
    ],
)
def test_wrong_content_names_file_key_and_fix(
    changed: dict[str, Any], message: str, fix: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        parse(**changed)
    assert str(PATH) in caught.value.message
    assert message in caught.value.message
    assert fix in caught.value.fix
    assert caught.value.fix


def test_missing_key_is_named() -> None:
    content = {key: value for key, value in MOTOR.items() if key != "goal"}
    with pytest.raises(ProjectError, match=r"goal: Field required") as caught:
        parse_project(yaml.safe_dump(content), PATH)
    assert caught.value.fix == "add goal"


def test_bad_yaml_is_named_with_its_line() -> None:
    with pytest.raises(ProjectError, match=r"project\.yaml line 3"):
        parse_project("name: motor_health\nlabels: [a, b\ntitle: x", PATH)


@pytest.mark.parametrize("text", ["", "just text", "- a\n- b", "null", "5"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(ProjectError, match="holds no mapping"):
        parse_project(text, PATH)


def test_unknown_project_lists_the_known_ones() -> None:
    with pytest.raises(ProjectError, match="no project 'nothing'") as caught:
        load_project("nothing")
    assert "motor_health" in caught.value.fix


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_a_folder_holds_is_one_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYOPS_PROJECTS", str(tmp_path))
    write, said = BROKEN[name]
    (tmp_path / "motor_health").mkdir()
    write(tmp_path / "motor_health" / "project.yaml")
    assert project_names() == ["motor_health"], "it shows"
    started = time.monotonic()
    with pytest.raises(ProjectError) as caught:
        load_project("motor_health")
    assert time.monotonic() - started < 10, "a DAG file has 30 s for all projects"
    assert f"{tmp_path}/motor_health/project.yaml" in caught.value.message
    assert said in caught.value.message
    assert len(caught.value.message) < 1000
    assert "\n" not in caught.value.message
    (caught.value.message + caught.value.fix).encode("utf-8")


@pytest.mark.parametrize(
    "cron", ["0 2 * * *", *PRESETS, "*/5 0-4,22 1 JAN-MAR MON", "0 0 29 2 *", "0 0 L * *"]
)
def test_schedules_that_airflow_fires(cron: str) -> None:
    assert parse(schedule={"train": cron}).schedule.train == cron


def test_presets_are_airflows() -> None:
    source = (Path(find_spec("airflow").origin).parent / "utils" / "dates.py").read_text()
    (found,) = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "cron_presets"
    ]
    assert ast.literal_eval(found) == PRESETS


def test_anchors_and_merges_are_taken() -> None:
    limits = {"flash_bytes": 200000, "ram_bytes": 100000, "latency_ms": 100}
    text = yaml.safe_dump({key: value for key, value in MOTOR.items() if key != "constraints"})
    text += f"constraints:\n  nano33ble-sense: &x {limits}\n  sparkfun-edge2:\n    <<: *x\n"
    text += "    ram_bytes: 90000\n"
    text = text.replace("- nano33ble-sense", "- nano33ble-sense\n- sparkfun-edge2")
    found = parse_project(text, PATH).constraints
    assert found["nano33ble-sense"].ram_bytes == 100000
    assert (found["sparkfun-edge2"].flash_bytes, found["sparkfun-edge2"].ram_bytes) == (
        200000,
        90000,
    )


def test_another_folder_of_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYOPS_PROJECTS", str(tmp_path))
    assert project_names() == []
    folder = tmp_path / "motor_health"
    folder.mkdir()
    (folder / "project.yaml").write_text(yaml.safe_dump(MOTOR))
    assert load_project("motor_health").name == "motor_health"
    (folder / "project.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(ProjectError, match=str(folder)):
        load_project("motor_health")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from([*MOTOR, "stray"]), value=VALUES)
def test_any_content_loads_or_is_refused_by_name(key: str, value: Any) -> None:
    try:
        parse(**{key: value})
    except TinyOpsError as caught:
        error = caught
    else:
        return
    assert str(PATH) in error.message
    assert error.fix


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_loads_or_is_refused_by_name(text: str) -> None:
    with pytest.raises(ProjectError, match=str(PATH)):
        parse_project(text, PATH)
