"""What a virtual board asks of its bootloader."""

from __future__ import annotations

from typing import Protocol


class Bootloader(Protocol):
    """A bootloader between a reset and the start of the application."""

    def feed(self, data: bytes) -> None:
        """Take the host's bytes, in any pieces."""

    def next_due(self) -> float | None:
        """When `tick` has something to do (time.monotonic), or None."""

    def tick(self, now: float) -> None:
        """Do what is due: time-outs, answers that come late."""
