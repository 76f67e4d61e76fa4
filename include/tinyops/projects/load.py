"""Find and read project folders. Errors name the file, the key and the fix."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from pydantic import ValidationError

from tinyops.errors import TinyOpsError
from tinyops.projects.schema import Project
from tinyops.wrong_key import wrong_key


class ProjectError(TinyOpsError):
    """A project folder is missing or its project.yaml is wrong."""


def projects_folder() -> Path:
    """The folder that holds one folder per project: $TINYOPS_PROJECTS, or include/projects."""
    named = os.environ.get("TINYOPS_PROJECTS")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "projects"


def project_names() -> list[str]:
    """Names of all folders that hold a project.yaml, sorted."""
    return sorted(path.parent.name for path in projects_folder().glob("*/project.yaml"))


def load_project(name: str) -> Project:
    """Read and check one project.

    Raises
    ------
    ProjectError
        No such project, unreadable YAML, or a key that is unknown, missing or wrong.
    """
    path = projects_folder() / name / "project.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        known = ", ".join(project_names()) or "none"
        raise ProjectError(
            f"no project {name!r} in {projects_folder()}", f"use one of: {known}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path}: {error}", "make it a readable UTF-8 file") from None
    return parse_project(text, path)


def parse_project(text: str, path: Path) -> Project:
    """Check the text of one project.yaml; `path` is named in errors and gives the folder's name."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid"
        raise ProjectError(f"{path}{line}: {problem}", "write valid YAML") from None
    if not isinstance(content, dict):
        raise ProjectError(f"{path}: holds no mapping", "start with name:, title:, goal:")
    try:
        project = Project.model_validate(content)
    except ValidationError as error:
        key, reason, fix = wrong_key(error)
        raise ProjectError(f"{path}: {key or 'the file'}: {reason}", fix) from None
    if project.name != path.parent.name:
        raise ProjectError(
            f"{path}: name: {project.name!r} in a folder called {path.parent.name!r}",
            "give both the same name",
        )
    return project


def load_projects() -> list[Project]:
    """All projects, sorted by name. One wrong project.yaml is an error that names it."""
    return [load_project(name) for name in project_names()]
