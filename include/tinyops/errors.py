"""The one error family: every message names the thing, every fix says what to do."""

from __future__ import annotations


class TinyOpsError(Exception):
    """Something a user can act on.

    Parameters
    ----------
    message
        One line that names the file, key, port, device or object concerned.
    fix
        What to do about it, in the imperative. Empty only when nothing can be done.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message, fix)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} -> {self.fix}" if self.fix else self.message
