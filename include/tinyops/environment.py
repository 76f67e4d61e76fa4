"""The environment that a subprocess gets: no credentials, whatever they are called."""

from __future__ import annotations

import os
from collections.abc import Mapping

_KEPT = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "TERM", "LD_LIBRARY_PATH"})


def bare_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What may be passed on of `environment` (default: this process's): a list of names that are
    kept, not of secrets that are removed, so a secret with a new name does not slip through."""
    source = os.environ if environment is None else environment
    return {name: value for name, value in source.items() if name in _KEPT or name[:3] == "LC_"}
