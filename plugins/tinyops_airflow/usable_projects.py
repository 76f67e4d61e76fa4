"""Projects for DAG files: a wrong project.yaml must not take the other projects' DAGs away."""

from __future__ import annotations

from tinyops.projects import Project, ProjectError, load_project, project_names


def usable_projects() -> list[Project]:
    """All projects that load, sorted by name; dags/project_errors.py reports the others."""
    found = []
    for name in project_names():
        try:
            found.append(load_project(name))
        except ProjectError:
            continue
    return found


def project_errors() -> list[ProjectError]:
    """One error for each project that does not load."""
    found = []
    for name in project_names():
        try:
            load_project(name)
        except ProjectError as error:
            found.append(error)
    return found
