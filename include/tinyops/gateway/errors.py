"""What can go wrong in the gateway itself."""

from __future__ import annotations

from tinyops.errors import TinyOpsError


class GatewayError(TinyOpsError):
    """The gateway cannot start or go on."""


class StrangeBoard(GatewayError):
    """Another board than the one that the device is bound to. Nothing is written to it."""


class AttestationFailed(GatewayError):
    """The board is there and does not show that it runs the image, or not rightly."""


class Unresponsive(AttestationFailed):
    """The port is there and no valid answer comes: nothing is known about what the board runs."""
