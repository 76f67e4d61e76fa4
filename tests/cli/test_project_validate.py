"""`tinyops project validate`: shipped projects pass; wrong ones are named with what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tinyops.cli.main import main
from tinyops.projects import project_names, projects_folder

MOTOR = yaml.safe_load((projects_folder() / "motor_health" / "project.yaml").read_text())


def validate(capsys: pytest.CaptureFixture[str], *names: str) -> tuple[int, dict[str, Any]]:
    status = main(["project", "validate", *names, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_shipped_projects_are_good(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = validate(capsys)
    assert (status, told["good"]) == (0, True)
    assert {check["project"] for check in told["checks"]} == set(project_names())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lables": ["x"]}, "lables"),
        ({"sensor": "smell"}, "smell"),
        ({"boards": ["no-such-board"]}, "no-such-board"),
    ],
)
def test_what_is_wrong_is_named_with_a_fix(
    changed: dict[str, Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TINYOPS_PROJECTS", str(tmp_path))
    folder = tmp_path / "motor_health"
    folder.mkdir()
    content = MOTOR | {"constraints": {}} | changed
    (folder / "project.yaml").write_text(yaml.safe_dump(content))
    status, told = validate(capsys, "motor_health")
    assert (status, told["good"]) == (1, False)
    wrong = [check for check in told["checks"] if not check["good"]]
    assert wrong
    assert all(said in check["message"] and check["fix"] for check in wrong)

    assert main(["project", "validate"]) == 1
    plain = capsys.readouterr().out
    assert wrong[0]["fix"] in " ".join(plain.split())


def test_one_wrong_project_does_not_hide_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TINYOPS_PROJECTS", str(tmp_path))
    for name, text in (("broken", "name: ["), ("motor_health", yaml.safe_dump(MOTOR))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "project.yaml").write_text(text)
    status, told = validate(capsys)
    assert status == 1
    by_project = {check["project"]: check["good"] for check in told["checks"]}
    assert by_project == {"broken": False, "motor_health": True}
