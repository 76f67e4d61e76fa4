"""Which key of JSON is wrong, and why, in words for whoever wrote it."""

from __future__ import annotations

from pydantic import ValidationError


def wrong_key(error: ValidationError) -> tuple[str, str]:
    """(key, message) of the first finding: the key with dots, "" for the whole."""
    first = error.errors(include_url=False)[0]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ") + more
