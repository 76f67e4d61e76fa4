"""Reports in S3 as pages: `/tinyops/reports/<project>/<kind>/…`, read only.

Served are files below `<project>/reports/` and nothing else, to whoever may see the project's
ingest DAG. Reports hold values that came with the data, so they run nothing and load nothing
whatever is in them.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Response

from tinyops.errors import TinyOpsError
from tinyops.store import ObjectMissing, StoreUnavailable, layout
from tinyops_pages.access import may_see, store

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}

router = APIRouter()


@router.get("/reports/{project}/{kind}/{path:path}")
def report(project: str, kind: str, path: str, user: GetUserDep) -> Response:
    """One file of a report; a folder stands for its index.html."""
    if not may_see(project, user):
        raise HTTPException(403, "this project's reports are not yours to see")
    if not path or path.endswith("/"):
        path += layout.PAGE
    kind_of_file = TYPES.get(PurePosixPath(path).suffix)
    if kind_of_file is None:
        raise HTTPException(404, "no such report")
    try:
        content = store().get(layout.report_file(project, kind, path))
    except StoreUnavailable as error:
        raise HTTPException(503, f"{error.message}: {error.fix}") from None
    except (ObjectMissing, TinyOpsError):
        raise HTTPException(404, "no such report") from None
    return Response(content, media_type=kind_of_file, headers=HEADERS)
