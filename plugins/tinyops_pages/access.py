"""Who may see a project's pages and who may hand something in: as Airflow says of its DAGs."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from fastapi import HTTPException, Request

from tinyops.projects import Project, ProjectError, load_project
from tinyops.projects.dag_ids import dag_id
from tinyops.store import Store


@cache
def store() -> Store:
    """The store; a page is not waited for longer than some seconds."""
    return Store.from_env(attempts=2, timeout=10)


def may_see(project: str, user: BaseUser) -> bool:
    """Whether the project's ingest DAG is the user's to see."""
    details = DagDetails(id=dag_id(project, "ingest"))
    return get_auth_manager().is_authorized_dag(method="GET", details=details, user=user)


def may_answer(project: str, user: BaseUser) -> bool:
    """Whether the user may start the project's ingest DAG: what is handed in starts it too."""
    return get_auth_manager().is_authorized_dag(
        method="POST",
        access_entity=DagAccessEntity.RUN,
        details=DagDetails(id=dag_id(project, "ingest")),
        user=user,
    )


def seen_by(project: str, user: BaseUser) -> Project:
    """The project, for who may see it; 403 for others, 404 where there is none."""
    if not may_see(project, user):
        raise HTTPException(403, "this project is not yours to see")
    try:
        return load_project(project)
    except ProjectError:
        raise HTTPException(404, "no such project") from None


def answered_by(project: str, user: BaseUser, request: Request) -> Project:
    """The project, for who may hand something in and has sent it from one of our pages.

    A browser sends the session's cookie with whatever page of another site made it ask: Airflow's
    cookie is SameSite=Lax (3.3.2), and this is the second lock.
    """
    config = seen_by(project, user)
    if not may_answer(project, user):
        raise HTTPException(403, "you may look at this project's requests, not answer them")
    if "authorization" not in request.headers and not _from_here(request):
        raise HTTPException(403, "this form was not sent from this site's own page")
    return config


def _from_here(request: Request) -> bool:
    from airflow.configuration import conf

    origin = urlsplit(request.headers.get("origin", "")).netloc
    # Behind a proxy the host that a browser knows is in the settings alone.
    known = urlsplit(conf.get("api", "base_url", fallback="")).netloc
    return bool(origin) and origin in (request.headers.get("host"), known)
