"""What can go wrong on the wire. The kind decides whether another try makes sense."""

from __future__ import annotations

from tinyops.errors import TinyOpsError


class BoardError(TinyOpsError):
    """A board did not do what it should."""


class PortLost(BoardError):
    """The port is not there, is in use, or vanished: worth another try later."""


class BoardSilent(BoardError):
    """The port is there but the answer did not come in time."""


class WrongAnswer(BoardError):
    """The answer came and is not what the protocol allows."""


class FlashFailed(BoardError):
    """The flash does not hold what was written, after all tries."""


class ImageRefused(BoardError):
    """The image is not for this board: nothing was written."""
