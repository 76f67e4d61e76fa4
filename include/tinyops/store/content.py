"""Content addressing: names that are hashes of what they name."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def sha256_hex(data: bytes) -> str:
    """SHA-256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def content_id(content: Any, length: int = 16) -> str:
    """The first `length` hexadecimal digits of the hash of JSON content, whatever its key order.

    >>> content_id({"a": 1, "b": [2]}) == content_id({"b": [2], "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256_hex(text.encode())[:length]
