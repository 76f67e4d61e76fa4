"""Projects that ask little of a model: the integration tests are about the way it takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tinyops.projects import projects_folder


@pytest.fixture(scope="session")
def undemanding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project folders with few epochs and no minimum score.

    A model that knows nothing of its classes cannot tell a change of the world from one of their
    mix: epochs are as many as it takes to know something.
    """
    folder = shutil.copytree(projects_folder(), tmp_path_factory.mktemp("quick") / "projects")
    for path in folder.glob("*/project.yaml"):
        content = yaml.safe_load(path.read_text())
        content["training"]["epochs"] //= 3
        lenient = {"minimum": 0.0, "int8_loss": 1.0, "allowed_regression": 1.0}
        lenient |= {"int8_class_loss": 1.0, "int8_slice_loss": 1.0, "allowed_forgetting": 1.0}
        content["objective"] |= lenient | {"tail_loss": 1.0, "separation_loss": 1.0}
        path.write_text(yaml.safe_dump(content))
    return folder
