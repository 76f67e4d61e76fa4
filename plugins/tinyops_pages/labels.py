"""What monitoring asks people for: `/tinyops/labels/`, read here and answered in `answers`."""

from __future__ import annotations

import io
import tempfile
import threading
from pathlib import Path
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from tinyops.data.datasets.dataset import open_dataset
from tinyops.data.ingest.answers import answers_on_their_way, newest_dataset
from tinyops.data.labels.label_file import write_template
from tinyops.data.labels.label_request import LabelRequest, find_request, open_requests
from tinyops.data.labels.label_set import LabelError
from tinyops.data.recordings.importers import SUFFIXES
from tinyops.data.recordings.importers.resample import METHODS
from tinyops.projects import Project, ProjectError, load_project, project_names
from tinyops.store import Consumer, receipts
from tinyops_pages.access import may_answer, may_see, seen_by, store

SHOWN = 200
"""Recordings on one page; the file holds all."""
RADIO = 6
"""Up to so many classes are shown beside each other."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}

router = APIRouter(prefix="/labels")
pages = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=ChainableUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_drawing = threading.Lock()


@router.get("/")
def requests(user: GetUserDep) -> HTMLResponse:
    """What is asked for and not answered, of all projects that the user may see."""
    found = []
    errors = []
    for name in project_names():
        if not may_see(name, user):
            continue
        try:
            project = load_project(name)
        except ProjectError:
            continue  # the DAG project_errors says so
        try:
            asked = open_requests(store(), project)
        except LabelError as error:
            errors.append(error)
            continue
        coming = answers_on_their_way(store(), project) if asked else {}
        found += [(project, one, coming.get(one.id, "")) for one in asked]
    found.sort(key=lambda row: row[1].at)
    return page("requests.html", found=found, errors=errors)


@router.get("/{project}/{request}")
def request(project: str, request: str, user: GetUserDep) -> HTMLResponse:
    """One request, with the form that answers it."""
    return request_page(seen_by(project, user), request, user)


@router.get("/{project}/{request}/labels.csv")
def template(project: str, request: str, user: GetUserDep) -> Response:
    """The file to fill in for a request about concept drift: all its recordings."""
    config = seen_by(project, user)
    asked = _request(config, request)
    labels = {row.recording_id: row.label for row in newest_dataset(store(), config).index()}
    text = io.StringIO(newline="")
    write_template(text, [(name, labels.get(name, ""), "") for name in asked.recordings])
    name = f'attachment; filename="{project}-{request}.csv"'
    return Response(text.getvalue(), 200, {**HEADERS, "Content-Disposition": name}, "text/csv")


@router.get("/{project}/{version}/signal.png")
def picture(project: str, version: str, recording: str, user: GetUserDep) -> Response:
    """A recording of a dataset version as a picture."""
    seen_by(project, user)
    # Opened each time: what was forgotten meanwhile may not be shown.
    dataset = open_dataset(store(), project, version)
    found = next(dataset.recordings(only={recording}), None)
    if found is None:
        raise HTTPException(404, "no such recording")
    from tinyops.data.recordings.signal_picture import draw_signal

    with _drawing, tempfile.TemporaryDirectory(prefix="tinyops-page-") as folder:
        content = draw_signal(found, Path(folder) / "signal.png").read_bytes()
    # Versions never change, but what somebody may see does.
    headers = HEADERS | {"Cache-Control": "private, max-age=3600"}
    return Response(content, media_type="image/png", headers=headers)


def request_page(
    project: Project, request: str, user: BaseUser, error: str = "", status: int = 200
) -> HTMLResponse:
    """The page of a request, with what was wrong with an answer to it."""
    asked = _request(project, request)
    receipt = receipts.read(store(), project.name, Consumer.ANSWER, asked.id)
    recordings: list[Any] = []
    version = ""
    if asked.recordings:
        dataset = newest_dataset(store(), project)
        version = dataset.version
        rows = {row.recording_id: row for row in dataset.index()}
        recordings = [rows[name] for name in asked.recordings if name in rows]
    return page(
        "request.html",
        status,
        project=project,
        asked=asked,
        coming=answers_on_their_way(store(), project).get(asked.id, ""),
        receipt=receipt,
        recordings=recordings[:SHOWN],
        count=len(recordings),
        version=version,
        classes_beside=len(project.labels) <= RADIO,
        allowed=may_answer(project.name, user),
        suffixes=SUFFIXES,
        methods=list(METHODS),
        error=error,
    )


def page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of a template."""
    return HTMLResponse(pages.get_template(name).render(values), status, HEADERS)


def _request(project: Project, request: str) -> LabelRequest:
    try:
        return find_request(store(), project, request)
    except LabelError as error:
        raise HTTPException(404, f"{error.message}: {error.fix}") from None
