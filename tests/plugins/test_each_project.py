"""Tasks that serve all projects serve all but those that are in trouble."""

from __future__ import annotations

import pytest

from tinyops.projects import Project, load_projects
from tinyops.store import StoreError, StoreUnavailable
from tinyops_airflow.work import ProjectsFailed, all_projects, each_project


def test_trouble_with_one_project_stops_no_other() -> None:
    projects = load_projects()
    first, second, *others = [project.name for project in projects]

    def act(project: Project) -> str:
        if project.name == first:
            raise StoreError("the pointer is null", "remove it")
        if project.name == second:
            raise TypeError("'NoneType' object is not subscriptable")
        return project.name.upper()

    results, errors = each_project(projects, act)
    assert results == {name: name.upper() for name in others}
    assert list(errors) == [first, second]
    with pytest.raises(ProjectsFailed, match="2 of the projects failed") as caught:
        all_projects(projects, act)
    for word in (first, "the pointer is null", "remove it", second, "not subscriptable"):
        assert word in caught.value.message


def test_an_outage_is_nobodys_trouble() -> None:
    def act(project: Project) -> None:
        raise StoreUnavailable("S3 does not answer", "wait")

    with pytest.raises(StoreUnavailable):
        each_project(load_projects(), act)
