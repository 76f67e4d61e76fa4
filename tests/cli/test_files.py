"""Files that a command cannot read or write: a line that names them, status 1, JSON on request."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.chip import MODELS
from tinyops.cli.main import main

Capture = pytest.CaptureFixture[str]
TINY = str(MODELS / "tiny.tflite")
READING = {
    "fit": ["fit", "FILE"],
    "compile": ["compile", "FILE", "-b", "nano33ble-sense", "-o", "out"],
    "prove": ["prove", "FILE", "-b", "esp-eye"],
    "profile": ["profile", "FILE", "-b", "nano33ble-sense"],
    "ops": ["ops", "FILE"],
    "bench": ["bench", "FILE", "--host"],
    "export": ["export", "arduino", "-p", "motor_sound", "-o", "out", "--model", "FILE"],
    "flash": ["flash", "FILE", "--port", "/dev/null"],
    "gateway run": ["gateway", "run", "--config", "FILE"],
    "data import": ["data", "import", "FILE", "--project", "motor_health"],
    "data publish": ["data", "publish", "-p", "motor_health", "--file", "FILE"],
    "label apply": ["label", "apply", "FILE", "--project", "motor_health"],
}


def line(capfd: Capture, status: int) -> str:
    printed = capfd.readouterr()
    assert status == 1, printed.err
    assert printed.out == ""
    (only,) = printed.err.splitlines()
    assert only.startswith("error: ")
    return only


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", READING)
def test_a_file_that_is_missing_or_a_folder_is_named(command: str, capfd: Capture) -> None:
    arguments = ["gone.file" if each == "FILE" else each for each in READING[command]]
    assert line(capfd, main(arguments)) == (
        "error: gone.file: No such file or directory -> check the path"
    )
    assert main(["." if each == "FILE" else each for each in READING[command]]) == 1
    assert capfd.readouterr().err.startswith("error: .: Is a directory -> name a file")


@pytest.mark.parametrize("command", ["fit", "compile", "prove", "profile", "ops", "bench"])
def test_with_json_the_line_is_json_on_standard_output(command: str, capfd: Capture) -> None:
    arguments = ["gone.file" if each == "FILE" else each for each in READING[command]]
    assert main([*arguments, "--json"]) == 1
    printed = capfd.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == {
        "error": "gone.file: No such file or directory",
        "fix": "check the path",
    }


@pytest.mark.parametrize("place", ["file", "file/below", "locked/below"])
def test_a_place_that_cannot_be_written_is_named(place: str, folder: Path, capfd: Capture) -> None:
    (folder / "file").write_text("")
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    if place.startswith("locked") and os.geteuid() == 0:
        place = "/sys/below"  # the one place in which root makes no folder
    compiling = main(["compile", TINY, "-b", "nano33ble-sense", "-o", place])
    assert line(capfd, compiling).startswith(f"error: {place}: ")
    assert main(["compile", TINY, "-b", "nano33ble-sense", "-o", place, "--json"]) == 1
    assert json.loads(capfd.readouterr().out)["error"].startswith(f"{place}: ")
