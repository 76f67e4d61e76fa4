"""A small project and recordings that fit it."""

from tests.support.data.fixtures import own_cache, project

__all__ = ["own_cache", "project"]
