"""A project's expectations.py: used by the gate, shown in Data Docs, and named when it is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.data.recording_maker import PROJECT, recording
from tinyops.cli.main import main
from tinyops.data.quality.docs import render_page
from tinyops.data.quality.gate import check
from tinyops.data.quality.own_columns import ExpectationsError
from tinyops.data.quality.project_code import ProjectCode
from tinyops.data.recordings.parquet import write_recordings
from tinyops.projects import projects_folder
from tinyops.projects.gate_section import SEVERITIES

GOOD = """
import numpy as np
from tinyops.data.quality.rules import Rule

def crest(recording):
    return float(np.abs(recording.signal).max() / recording.signal.std())

columns = {"crest": crest}

def expectations(project):
    return [
        Rule("crest", "a crest factor of 2 to 20", "look at the sensor",
             "ExpectColumnValuesToBeBetween",
             {"column": "crest", "min_value": 2, "max_value": 20},
             severity="SEVERITY"),
    ]
"""
CLASS = GOOD.replace(
    "    return [", "    import great_expectations.expectations as gxe\n    return ["
).replace('"ExpectColumnValuesToBeBetween"', "gxe.ExpectColumnValuesToBeBetween")
OWN_CLASS = "class ExpectX:\n    pass\n" + GOOD.replace(
    '"ExpectColumnValuesToBeBetween"', "ExpectX"
)
WARN = GOOD.replace("SEVERITY", "warn")
SQUARE = recording("square").signal.copy()
SQUARE[:] = [[40, -39.5] * 128]
MADE = [recording("a"), recording("square", signal=SQUARE), recording("c")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of projects with motor_health in it, and another project."""
    for name in ("motor_health", "motor_sound"):
        shutil.copytree(projects_folder() / name, tmp_path / "projects" / name)
    monkeypatch.setenv("TINYOPS_PROJECTS", str(tmp_path / "projects"))
    return tmp_path / "projects" / "motor_health"


def test_own_rules_and_columns(folder: Path) -> None:
    (folder / "expectations.py").write_text(GOOD.replace("SEVERITY", "quarantine"))
    result = check(MADE, PROJECT)
    (refusal,) = result.refusals
    assert refusal.recording_id == "square"
    assert refusal.reasons[0].startswith("crest is 1.0")
    assert refusal.fixes == ("look at the sensor",)
    assert "a crest factor of 2 to 20" in render_page(PROJECT, "b", result, "joined", False)

    (folder / "expectations.py").write_text(GOOD.replace("SEVERITY", "warn"))
    result = check(MADE, PROJECT)
    assert (result.refusals, result.accepted) == ((), 3)
    assert result.counts["crest"] == 1
    assert [one.recording_id for one in result.warnings if "crest" in one.reasons[0]] == ["square"]

    (folder / "expectations.py").write_text(GOOD.replace("SEVERITY", "refuse"))
    result = check(MADE, PROJECT)
    assert result.accepted == 0
    assert "recording 'square': crest is 1.0" in result.reason


BROKEN = {
    "syntax": (
        "def expectations(project):\n    return [\n",
        "expectations.py line 2: it raised Sy",
    ),
    "import": ("\nimport no_such_thing\n", "expectations.py line 2: it raised ModuleNotFoundError"),
    "nothing": ("x = 1\n", "has no function expectations"),
    "no rule": ("def expectations(project):\n    return [1]\n", "item 0 is int, no Rule"),
    "raises": (
        "def expectations(project):\n    return 1 / 0\n",
        "line 2: expectations(proj",
    ),
    "taken": (GOOD.replace('"crest"', '"rate"'), "there is an expectation 'rate' already"),
    "gate's column": (GOOD.replace('{"crest": ', '{"rate_hz": '), "column 'rate_hz' of its own"),
    "no column": (WARN.replace('"column": "crest"', '"column": "crust"'), "no column 'crust'"),
    "severity": (GOOD.replace("SEVERITY", "fatal"), "severity 'fatal'"),
    "settings": (WARN.replace("min_value", "minimum"), "minimum"),
    "function": (
        WARN.replace(".std()", ".sdt()"),
        "line 6: column",
    ),
    "value": (
        WARN.replace("return float(", "return [] and float("),
        "column 'crest' of recording 'a' is list, expected a number, a text or None",
    ),
    "own class": (
        OWN_CLASS,
        "crest: kind <class 'expectations_of_motor_health.ExpectX'>, expected",
    ),
    "no class": (
        WARN.replace('"ExpectColumn', '"ExpectColum'),
        "no expectation class 'ExpectColum",
    ),
    "no expectation": (
        WARN.replace('"ExpectColumnValuesToBeBetween"', '"Expectation"'),
        "no expect",
    ),
    "no JSON": (WARN.replace('"max_value": 20', '"max_value": object()'), "crest: Object of type"),
    "text": (WARN.replace('"look at the sensor"', "3"), "'crest': name, why, fix or severity"),
    "exit": ("import sys\nsys.exit(0)\n", "line 2: it raised SystemExit: 0"),
    "abort": ("import os\nos.abort()\n", "expectations.py: ended its process (SIGABRT)"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named(folder: Path, name: str) -> None:
    text, said = BROKEN[name]
    (folder / "expectations.py").write_text(text)
    with pytest.raises(ExpectationsError) as caught:
        check(MADE, PROJECT)
    assert str(folder / "expectations.py") in caught.value.message
    assert said in caught.value.message
    assert caught.value.fix


def test_a_class_leaves_the_child_as_its_name(folder: Path) -> None:
    # The child's side in this process: a child of its own would import Great Expectations again.
    file = folder / "expectations.py"
    file.write_text(CLASS.replace("SEVERITY", "warn"))
    [rule] = ProjectCode(str(file), PROJECT.model_dump(mode="json")).rules()
    assert (rule["kind"], rule["settings"]["column"]) == ("ExpectColumnValuesToBeBetween", "crest")


def test_the_file_has_no_credentials_and_what_it_prints_is_logged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = {
        "AWS_SECRET_ACCESS_KEY": "s3cret-of-the-store",
        "AIRFLOW__CORE__FERNET_KEY": "f3rnet-of-airflow",
        "SOME_NEW_THING": "n3w-and-unheard-of",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    text = WARN + "\nimport os, sys\nprint('seen:', dict(os.environ))\n"
    text = text.replace("return float(", "print('at', recording.recording_id); return float(")
    (folder / "expectations.py").write_text(text)
    caplog.set_level("INFO")
    assert check(MADE, PROJECT).accepted == 3
    assert "expectations.py: seen: {" in caplog.text
    assert "expectations.py: at square" in caplog.text
    assert not [value for value in secrets.values() if value in caplog.text]


def test_other_projects_and_the_command_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "expectations.py").write_text("x = 1\n")
    assert main(["project", "validate", "motor_sound"]) == 0
    capsys.readouterr()
    assert main(["project", "validate", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    wrong = [(one["project"], one["check"]) for one in told["checks"] if not one["good"]]
    assert wrong == [("motor_health", "expectations.py")]
    path = tmp_path / "r.parquet"
    write_recordings(path, [recording("a")])
    assert main(["data", "check", str(path), "--project", "motor_health"]) == 1
    assert "has no function expectations" in capsys.readouterr().err


def test_the_table_of_severities_is_complete() -> None:
    result = check([recording("a")], PROJECT)
    names = {one.expectation_config.meta["name"] for one in result.validation.results}
    told = {"known_machine", "level_as_before", "spectrum_as_before", "classes_as_before"}
    assert names | told == set(SEVERITIES)
