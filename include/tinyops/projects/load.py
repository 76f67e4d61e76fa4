"""Find and read project folders. Errors name the file, the key and the fix.

Whatever stands in a project's folder, reading it ends in a Project or in a ProjectError: a loop
over all projects loses none to another.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tinyops.errors import TinyOpsError
from tinyops.projects.schema import Project
from tinyops.wrong_key import wrong_key
from tinyops.yaml_text import YamlFileError, loads_yaml, read_yaml

FILE = "project.yaml"


class ProjectError(TinyOpsError):
    """A project folder is missing or its project.yaml is wrong."""


def projects_folder() -> Path:
    """The folder that holds one folder per project: $TINYOPS_PROJECTS, or include/projects."""
    named = os.environ.get("TINYOPS_PROJECTS")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "projects"


def project_names() -> list[str]:
    """Names of all folders that hold a project.yaml, readable or not, sorted."""
    try:
        folders = list(projects_folder().iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(folder.name for folder in folders if _holds_project(folder))


def load_project(name: str) -> Project:
    """Read and check one project.

    Raises
    ------
    ProjectError
        No such project, a file that cannot be read, or a key that is unknown, missing or wrong.
    """
    path = projects_folder() / name / FILE
    try:
        content = read_yaml(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        if _holds_project(path.parent):
            raise ProjectError(f"{shown(path)}: {error.strerror}", "write the file") from None
        known = ", ".join(map(shown, project_names())) or "none"
        raise ProjectError(
            f"no project {name!r} in {projects_folder()}", f"use one of: {known}"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise ProjectError(f"{shown(path)}: {reason}", "make it a readable file") from None
    except YamlFileError as error:
        raise _not_yaml(path, error) from None
    return check_project(content, path)


def parse_project(text: str, path: Path) -> Project:
    """Check the text of one project.yaml; `path` is named in errors and gives the folder's name."""
    try:
        content = loads_yaml(text)
    except YamlFileError as error:
        raise _not_yaml(path, error) from None
    return check_project(content, path)


def check_project(content: Any, path: Path) -> Project:
    """Check what a project.yaml holds; `path` as of `parse_project`."""
    if not isinstance(content, dict):
        raise ProjectError(f"{shown(path)}: holds no mapping", "start with name:, title:, goal:")
    try:
        project = Project.model_validate(content)
    except ValidationError as error:
        key, reason, fix = wrong_key(error)
        raise ProjectError(shown(f"{path}: {key or 'the file'}: {reason}"), shown(fix)) from None
    if project.name != path.parent.name:
        raise ProjectError(
            f"{shown(path)}: name: {project.name!r} in a folder called {path.parent.name!r}",
            "give both the same name",
        )
    return project


def load_projects() -> list[Project]:
    """All projects, sorted by name. One wrong project.yaml is an error that names it."""
    return [load_project(name) for name in project_names()]


def shown(text: Path | str) -> str:
    """A text that any log, page or database takes: bytes of a name that are no UTF-8 escaped."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def _holds_project(folder: Path) -> bool:
    """Return True if the folder has a project.yaml, of whatever kind, or cannot be looked into."""
    try:
        (folder / FILE).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _not_yaml(path: Path, error: YamlFileError) -> ProjectError:
    return ProjectError(f"{shown(path)}{error.where}: {shown(error.reason)}", "write valid YAML")
