"""What a driver says while it writes, and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
Ask = Callable[[str], None]


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
