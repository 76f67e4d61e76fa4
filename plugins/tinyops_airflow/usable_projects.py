"""Projects for DAG files: a wrong project.yaml must not take the other projects' DAGs away."""

from __future__ import annotations

from tinyops.projects import Project, ProjectError, load_project, project_names


def usable_projects() -> list[Project]:
    """All projects that load, sorted by name; dags/project_errors.py reports the others."""
    return [project for project in map(_load, project_names()) if isinstance(project, Project)]


def project_errors() -> list[ProjectError]:
    """One error for each project that does not load."""
    return [error for error in map(_load, project_names()) if isinstance(error, ProjectError)]


def _load(name: str) -> Project | ProjectError:
    try:
        return load_project(name)
    except ProjectError as error:
        return error
    except Exception as error:
        # A defect of ours must not hide the other projects either.
        return ProjectError(f"{name!a}: {type(error).__name__}: {error!a:.500}", "report a bug")
