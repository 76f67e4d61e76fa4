"""Keeping signatures fresh: short lives are what makes a withheld update visible."""

from __future__ import annotations

from typing import Any

from tinyops.releases.keys import signing_keys
from tinyops.releases.repository import Repository
from tinyops.store import Store


def refresh_metadata(store: Store) -> dict[str, Any]:
    """Sign timestamp (1 day), snapshot (7 days) and targets again at half of their lives.

    Returns the names of the roles that were signed; none while nothing was ever released.

    Raises
    ------
    SigningKeyError, ReleaseError
        As when publishing.
    """
    return {"signed": Repository(store, signing_keys()).refresh()}
