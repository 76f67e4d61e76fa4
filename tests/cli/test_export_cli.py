"""`tinyops export arduino`, as a user runs it: no S3 needed with a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.support.chip import MODELS
from tinyops.projects import projects_folder

SPECTRAL = str(MODELS / "spectral.tflite")


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """motor_sound with a frontend that the model `spectral` takes, on two boards."""
    content = yaml.safe_load((projects_folder() / "motor_sound" / "project.yaml").read_text())
    content["signal"] |= {"window": 256, "hop": 128}
    content["frontend"] |= {"carriers": 1, "bins": 16}
    content |= {"boards": ["nano33ble-sense", "himax-we1-plus"], "constraints": {}}
    folder = tmp_path / "projects" / "motor_sound"
    folder.mkdir(parents=True)
    (folder / "project.yaml").write_text(yaml.safe_dump(content))
    return folder.parent


def export(projects: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from tinyops.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "export", "arduino", "-p", "motor_sound", *arguments]
    environment = {name: value for name, value in os.environ.items() if "AWS" not in name}
    environment |= {"TINYOPS_PROJECTS": str(projects), "TINYOPS_STATE": str(projects / "none")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_library_is_written_for_every_board_with_a_core(projects: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = export(projects, "--model", SPECTRAL, "--out", str(out), "--zip", "--json")
    assert done.returncode == 0, done.stderr
    (facts,) = json.loads(done.stdout)
    assert (facts["board"], facts["target"]) == ("nano33ble-sense", "nano33ble-sense-arduino")
    library = Path(facts["folder"])
    assert library == out / facts["library"]
    files = {str(path.relative_to(library)) for path in library.rglob("*") if path.is_file()}
    assert len(files) == facts["files"]
    with zipfile.ZipFile(facts["zip"]) as archive:
        assert {name.partition("/")[2] for name in archive.namelist()} == files
    readme = (library / "README.md").read_text()
    assert "Nobody has seen this run on the real board" in readme
    assert "version `model-" in readme
    again = export(projects, "--model", SPECTRAL, "--out", str(out))
    assert again.returncode == 1
    assert "is not empty" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--model", SPECTRAL, "--board", "himax-we1-plus"], "no Arduino core in the catalogue"),
        (["--model", SPECTRAL, "--candidate", "x"], "both --candidate and --model"),
        (["--model", str(MODELS / "tiny.tflite")], "the frontend gives 48 values"),
    ],
)
def test_an_error_is_one_line_and_leaves_nothing(
    projects: Path, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    out = tmp_path / "out"
    done = export(projects, *arguments, "--out", str(out))
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not out.exists()
