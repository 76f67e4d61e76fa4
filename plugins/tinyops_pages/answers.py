"""What people hand in at `/tinyops/labels/`: labels, a filled file, or files of recordings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from tinyops.data.ingest.answers import answer_with_files, answer_with_labels, label_set
from tinyops.data.labels.label_file import read_label_file
from tinyops.data.labels.label_set import LabelError, LabelRow, Source
from tinyops.data.recordings.importers.description import description_of
from tinyops.errors import TinyOpsError
from tinyops.projects import Project
from tinyops.store import StoreUnavailable
from tinyops_pages.access import answered_by, store
from tinyops_pages.labels import request_page
from tinyops_pages.uploads import keep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from starlette.datastructures import FormData

MOST_BYTES = 512 << 20
"""Of one upload; more goes by `tinyops label answer` or straight to S3."""
MOST_LABELS_BYTES = 16 << 20
MOST_FIELDS = 2000
LABEL = "label:"
"""Before a recording's id, the name of the field that holds its class."""

router = APIRouter(prefix="/labels")


@router.post("/{project}/{request_id}/labels")
async def give_labels(
    project: str, request_id: str, request: Request, user: GetUserDep
) -> Response:
    """Labels as chosen on the page."""

    def hand_in(config: Project, form: FormData) -> None:
        rows = tuple(
            LabelRow(recording_id=name.removeprefix(LABEL), label=str(value))
            for name, value in form.multi_items()
            if name.startswith(LABEL) and name != LABEL and value
        )
        if not rows:
            raise LabelError("no label was chosen", "choose a class for one recording at least")
        _hand_in_labels(config, request_id, rows, form, user)

    return await _answered(project, request_id, request, user, hand_in)


@router.post("/{project}/{request_id}/file")
async def give_file(project: str, request_id: str, request: Request, user: GetUserDep) -> Response:
    """The filled file of labels."""

    def hand_in(config: Project, form: FormData) -> None:
        with tempfile.TemporaryDirectory(prefix="tinyops-answer-") as folder:
            paths = keep(form.getlist("file"), Path(folder))
            if len(paths) != 1:
                raise LabelError("no file was chosen", "choose the CSV that you have filled in")
            if paths[0].stat().st_size > MOST_LABELS_BYTES:
                raise LabelError("a file of labels is smaller", "hand in the filled CSV")
            rows = read_label_file(paths[0])
        _hand_in_labels(config, request_id, rows, form, user)

    return await _answered(project, request_id, request, user, hand_in)


@router.post("/{project}/{request_id}/recordings")
async def give_recordings(
    project: str, request_id: str, request: Request, user: GetUserDep
) -> Response:
    """Files of new recordings; nothing opens them before ingest does, in a child."""

    def hand_in(config: Project, form: FormData) -> None:
        said = description_of(_described(form))
        with tempfile.TemporaryDirectory(prefix="tinyops-answer-") as folder:
            # The last folders are part of what is said of the files: the same for the same files.
            paths = keep(form.getlist("files"), Path(folder) / "answers" / config.name)
            if not paths:
                raise LabelError("no file was chosen", "choose the files of the recordings")
            answer_with_files(store(), config, request_id, paths, said, by=user.get_name())

    return await _answered(project, request_id, request, user, hand_in)


async def _answered(
    project: str,
    request_id: str,
    request: Request,
    user: BaseUser,
    hand_in: Callable[[Project, FormData], None],
) -> Response:
    """Hand in what a form holds, then the request's page: with what became of it, or the error."""
    config = await run_in_threadpool(answered_by, project, user, request)
    async with _form(request) as form:
        try:
            await run_in_threadpool(hand_in, config, form)
        except StoreUnavailable:
            raise
        except TinyOpsError as error:
            text = f"{error.message}: {error.fix}"
            return await run_in_threadpool(request_page, config, request_id, user, text, 400)
        except OSError as error:
            raise _no_room(error) from None
    return RedirectResponse(f"../{request_id}", 303)


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    """The form, unless it is too large; files are on the disk, not in memory."""
    size = request.headers.get("content-length", "")
    if not size.isdecimal():
        raise HTTPException(411, "say how long it is")
    if int(size) > MOST_BYTES:
        raise HTTPException(
            413, f"at most {MOST_BYTES >> 20} MB at once; see `tinyops label answer`"
        )
    try:
        form = await request.form(max_files=MOST_FIELDS, max_fields=MOST_FIELDS)
    except OSError as error:
        raise _no_room(error) from None
    try:
        yield form
    finally:
        await form.close()


def _no_room(error: OSError) -> HTTPException:
    return HTTPException(507, f"this host cannot keep the files: {error}")


def _hand_in_labels(
    project: Project, request: str, rows: tuple[LabelRow, ...], form: FormData, user: BaseUser
) -> None:
    source = str(form.get("source", "operator"))
    if source not in get_args(Source) or source == "audit":
        raise LabelError(f"labels cannot come from {source!r}", "choose where they come from")
    note = str(form.get("note", "")).strip()
    labels = label_set(project, rows, cast("Source", source), user.get_name(), note)
    answer_with_labels(store(), project, request, labels)


def _described(form: FormData) -> dict[str, Any]:
    texts = {name: str(value).strip() for name, value in form.multi_items() if name != "files"}
    said: dict[str, Any] = {
        name: texts[name]
        for name in ("machine", "label", "recorded_at", "unit", "resample")
        if texts.get(name)
    }
    for name in ("rate_hz", "gain"):
        if texts.get(name):
            said[name] = _number(name, texts[name])
    if texts.get("channels"):
        said["channels"] = [name.strip() for name in texts["channels"].split(",")]
    return said


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise LabelError(f"{name}: {text!r} is no number", "write it as 1600 or 0.98") from None
