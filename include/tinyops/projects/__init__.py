"""project.yaml: scoping document and configuration of a use case."""

from tinyops.projects.load import (
    ProjectError,
    load_project,
    load_projects,
    project_names,
    projects_folder,
)
from tinyops.projects.schema import Project, Signal

__all__ = [
    "Project",
    "ProjectError",
    "Signal",
    "load_project",
    "load_projects",
    "project_names",
    "projects_folder",
]
