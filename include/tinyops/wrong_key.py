"""First invalid key of a file that pydantic refused, for the error that its writer reads."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError


class WrongKey(NamedTuple):
    """An invalid key.

    Parameters
    ----------
    key
        Its path with dots; "" for the file as a whole.
    reason
        One sentence without a full stop, with the number of further findings.
    fix
        Imperative.
    """

    key: str
    reason: str
    fix: str


def wrong_key(error: ValidationError) -> WrongKey:
    """Return the first finding of a validation."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    named = key or "the file"
    match first["type"]:
        case "extra_forbidden":
            reason, fix = "unknown key", f"remove {named} or correct its spelling"
        case "missing":
            reason, fix = first["msg"], f"add {named}"
        case _:
            reason, fix = first["msg"].removeprefix("Value error, "), f"correct {named}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return WrongKey(key, reason + more, fix)
