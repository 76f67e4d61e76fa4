"""What a driver says while it writes, and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""Takes (bytes done, bytes in all) between two pages, and about every second while a person is
waited for. What it raises ends the flash there."""
Ask = Callable[[str], None]
"""Takes what a person has to do now."""


@dataclass(frozen=True)
class FlashReport:
    """What was written; `pages` and `bytes` of the image, `seconds` from touch to restart."""

    board: str
    port: str
    pages: int
    bytes: int
    retries: int
    seconds: float
    bootloader: str
