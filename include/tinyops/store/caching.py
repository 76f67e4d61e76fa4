"""Cache directives, so that a proxy in front of S3 never answers with an old copy.

Writers mark the objects that are written over; readers ask every cache on the way to validate what
it holds, which costs it a conditional request (RFC 9111, sections 5.2.1.4 and 5.2.2.4).
"""

from __future__ import annotations

from typing import Any

from tinyops.store import edge_layout, layout

NO_CACHE = "no-cache"
OVERWRITTEN = "no-cache, max-age=0"


def upload_headers(key: str) -> dict[str, str]:
    """Arguments of PutObject about caching: for pointers, status and the TUF timestamp."""
    overwritten = layout.is_pointer(key) or edge_layout.is_overwritten(key)
    return {"CacheControl": OVERWRITTEN} if overwritten else {}


def ask_caches_to_validate(client: Any) -> None:
    """Send `Cache-Control: no-cache` with each GET and HEAD of a boto3 client.

    It is added after signing: a proxy may rewrite it, which would break the signature.
    """
    client.meta.events.register("before-send.s3", _mark)


def _mark(request: Any, **_: Any) -> None:
    if request.method in ("GET", "HEAD"):
        request.headers["Cache-Control"] = NO_CACHE
