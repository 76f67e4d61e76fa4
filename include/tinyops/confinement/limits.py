"""What one child may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of one child.

    Parameters
    ----------
    memory_bytes
        Address space, the interpreter and its imports (140 to 300 MB) included.
    processor_seconds, wall_seconds
        Of one call.
    message_bytes
        Of one call's arguments, and of its result.
    file_bytes
        Of each file that it writes.
    """

    memory_bytes: int = 1 << 30
    processor_seconds: int = 60
    wall_seconds: float = 300.0
    message_bytes: int = 256 << 20
    file_bytes: int = 1 << 20
