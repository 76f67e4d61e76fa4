"""What can go wrong when a model is served."""

from __future__ import annotations

from tinyops.errors import TinyOpsError


class ServingError(TinyOpsError):
    """A model cannot be benchmarked, or a dataset version cannot be scored."""


class SlowerThanChampion(ServingError):
    """A candidate needs more instructions than the project allows it beside the champion."""
