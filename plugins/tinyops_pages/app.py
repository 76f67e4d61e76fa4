"""The web application below `/tinyops`, and what all its pages have in common."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from tinyops.errors import TinyOpsError
from tinyops.store import StoreUnavailable
from tinyops_pages import answers, labels, reports

# Without its own description of itself, which would be open to anybody.
app = FastAPI(title="TinyOps", docs_url=None, redoc_url=None, openapi_url=None)
app.include_router(reports.router)
app.include_router(labels.router)
app.include_router(answers.router)


@app.exception_handler(TinyOpsError)
def say(request: Request, error: TinyOpsError) -> Response:
    """An error that no page shows itself, as text: what is wrong, and what to do."""
    status = 503 if isinstance(error, StoreUnavailable) else 400
    return PlainTextResponse(str(error), status, headers={"X-Content-Type-Options": "nosniff"})
