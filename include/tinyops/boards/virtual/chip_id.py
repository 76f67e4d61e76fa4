"""The chip's own number of a virtual board: random, and kept as long as its state folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from tinyops.emulation.chip import CHIP_ID_BYTES


def chip_id(path: Path) -> bytes:
    """The number in a file, which is made if it is missing or damaged."""
    try:
        number = bytes.fromhex(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        number = b""
    if len(number) != CHIP_ID_BYTES or not any(number):
        number = secrets.token_bytes(CHIP_ID_BYTES)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(number.hex(), encoding="ascii")
    return number
