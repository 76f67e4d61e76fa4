"""Buckets that a session fills once and restores for each test: to ingest a batch costs seconds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import pytest

from tests.support.bucket_snapshot import BucketSnapshot
from tinyops.store import Store

T = TypeVar("T")


class Prepared(Protocol):
    """The fixture `prepared`: opens the bucket that a function fills, as the function left it."""

    def __call__(self, fill: Callable[[Store], T]) -> tuple[Store, T]: ...


class PreparedBuckets:
    """One bucket for each function that fills one, on the server that the environment names."""

    def __init__(self) -> None:
        self._filled: dict[Callable[[Store], Any], tuple[BucketSnapshot, Any]] = {}

    def open(self, fill: Callable[[Store], T], patch: pytest.MonkeyPatch) -> tuple[Store, T]:
        """Store on the bucket as `fill` left it, and what `fill` returned: not to be changed.

        While `patch` lasts, `Store.from_env()` opens this bucket too. The first call fills it
        under the patches of the test that makes the call.
        """
        if fill not in self._filled:
            patch.setenv("TINYOPS_BUCKET", f"test-{uuid.uuid4().hex[:12]}")
            store = Store.from_env()
            store.ensure_bucket()
            result = fill(store)
            self._filled[fill] = BucketSnapshot.take(store), result
            return store, result
        snapshot, result = self._filled[fill]
        patch.setenv("TINYOPS_BUCKET", snapshot.bucket)
        store = Store.from_env()
        snapshot.restore(store)
        return store, result
