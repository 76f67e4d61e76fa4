"""Parts of keys, and what can be read back out of any key."""

from __future__ import annotations

import re

from tinyops.errors import TinyOpsError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,127}")
_JSON, _PARQUET = ".json", ".parquet"


def is_safe(name: str) -> bool:
    """Return True if a name can be part of a key."""
    return bool(_SAFE.fullmatch(name)) and ".." not in name


def part(value: str) -> str:
    """A name as part of a key; TinyOpsError where it cannot be one."""
    # A name that comes from outside (a batch, a gateway) must not climb out of its prefix.
    if not is_safe(value):
        raise TinyOpsError(f"{value!r} cannot be part of an S3 key", "use letters, digits and ._=-")
    return value


def parts(path: str) -> str:
    """A path with folders as part of a key; TinyOpsError where it cannot be one."""
    return "/".join(part(each) for each in path.split("/"))


def between(start: str, key: str, end: str) -> str | None:
    """The middle of a key that has this start and end, unchecked; None for any other key."""
    if len(key) < len(start) + len(end) or not key.startswith(start) or not key.endswith(end):
        return None
    return key[len(start) : len(key) - len(end)]


def below(folder: str, key: str) -> str | None:
    """Path of an object below a folder; None where it lies elsewhere."""
    return between(folder, key, "")


def folder_below(folder: str, key: str) -> str | None:
    """Name of the folder directly below `folder` that an object is in; None where it is in none."""
    path = below(folder, key)
    return path.partition("/")[0] if path is not None and "/" in path else None


def file_name(key: str) -> str:
    """The last part of a key."""
    return key.rpartition("/")[2]


def is_json(key: str) -> bool:
    """Return True if an object is JSON, by its name."""
    return key.endswith(_JSON)


def is_parquet(key: str) -> bool:
    """Return True if an object, or a file of a batch, is a Parquet table, by its name."""
    return key.endswith(_PARQUET)


def is_page(key: str) -> bool:
    """Return True if an object is HTML, by its name."""
    return key.endswith(".html")


def is_text(key: str) -> bool:
    """Return True if an object is text that people read, by its name; JSON is not."""
    return is_page(key) or key.endswith((".md", ".txt", ".csv"))
