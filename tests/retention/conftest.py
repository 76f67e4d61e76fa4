"""A cache of its own for each test, and the house's project under its name."""

from tests.support.retention.places import own_places, shared_store

__all__ = ["own_places", "shared_store"]
