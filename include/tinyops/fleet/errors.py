"""Errors about reports of gateways."""

from __future__ import annotations

from tinyops.errors import TinyOpsError


class MalformedReport(TinyOpsError):
    """An object below gateways/ is not what a gateway writes there."""
