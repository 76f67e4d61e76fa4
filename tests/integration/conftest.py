"""Projects that ask little of a model: the integration tests are about the way it takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tinyops.projects import projects_folder


@pytest.fixture(scope="session")
def undemanding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project folders with three epochs and no minimum score."""
    folder = shutil.copytree(projects_folder(), tmp_path_factory.mktemp("quick") / "projects")
    for path in folder.glob("*/project.yaml"):
        content = yaml.safe_load(path.read_text())
        content["training"]["epochs"] = 3
        content["objective"] |= {"minimum": 0.0, "int8_loss": 1.0}
        path.write_text(yaml.safe_dump(content))
    return folder
