"""Caches in front of S3: what is written over is marked, and readers have it validated."""

from __future__ import annotations

import pytest

from tinyops.store import Pointer, Store, edge_layout, layout
from tinyops.store.caching import OVERWRITTEN


def stored(store: Store, key: str) -> str:
    store.put(key, b"{}")
    answer = store.client.head_object(Bucket=store.bucket, Key=key)
    return str(answer.get("CacheControl", ""))


@pytest.mark.parametrize(
    "key",
    [
        edge_layout.tuf_metadata(edge_layout.TUF_TIMESTAMP),
        edge_layout.gateway_status("line-1"),
        *(layout.pointer("demo", name) for name in Pointer),
    ],
)
def test_objects_that_are_written_over_are_not_to_be_cached(store: Store, key: str) -> None:
    assert stored(store, key) == OVERWRITTEN


@pytest.mark.parametrize(
    "key",
    [
        edge_layout.tuf_metadata(edge_layout.tuf_version_name("targets", 3)),
        edge_layout.tuf_target("demo/v1/t.bin", "0" * 64),
        edge_layout.gateway_event("line-1", "e-1"),
        layout.release_manifest("demo", "v1"),
        "demo/current.json",
        "current/x.json",
    ],
)
def test_other_objects_may_be_cached(store: Store, key: str) -> None:
    assert stored(store, key) == ""


def test_reads_ask_caches_to_validate_and_writes_do_not(store: Store) -> None:
    seen = []
    store.client.meta.events.register(
        "before-send.s3",
        lambda request, **_: seen.append((request.method, request.headers.get("Cache-Control"))),
    )
    store.put("a", b"1")
    store.get("a")
    store.exists("a")
    list(store.objects("a"))
    assert seen == [("PUT", None), ("GET", "no-cache"), ("HEAD", "no-cache"), ("GET", "no-cache")]
