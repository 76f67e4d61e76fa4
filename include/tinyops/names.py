"""Names that come from outside: of projects, gateways, devices, boards, targets and releases.

A name is part of S3 keys, file names, labels of metrics and pages, so it holds nothing that means
something there: no separators, quotes, markup or control characters.
"""

from __future__ import annotations

import re

PATTERN = r"^[A-Za-z0-9](\.?[A-Za-z0-9_-])*$"
"""As regular expression of Python, pydantic and JSON Schema; the length is apart."""
LONGEST = 64
"""Characters."""

_NAME = re.compile(PATTERN)


def as_name(text: str, longest: int = LONGEST) -> str:
    """Return a name that is like a text, such as that of a file; "" where nothing is left."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).lstrip("_-")[:longest]


def is_name(text: object) -> bool:
    """Return True for a text that may name something; anything else than a text names nothing."""
    # `$` also matches in front of a final line feed.
    return isinstance(text, str) and len(text) <= LONGEST and bool(_NAME.fullmatch(text))
