"""A bucket restored from a snapshot holds what it held, whatever was done to it in between."""

from __future__ import annotations

import pytest

from tests.support.bucket_snapshot import BucketSnapshot
from tests.support.prepared_buckets import Prepared
from tinyops.store import Store

CONTENT = {"p/a.json": b'{"a": 1}', "p/b.html": b"<p>", "p/same": b"as it was", "q/empty": b""}
TYPES = {"p/a.json": "application/json", "p/b.html": "text/html"}


def fill(store: Store) -> list[str]:
    for key, data in CONTENT.items():
        store.put(key, data, TYPES.get(key, "application/octet-stream"))
    return sorted(CONTENT)


def content(store: Store) -> dict[str, tuple[bytes, str]]:
    """{key: (bytes, content type)}, straight from the server."""
    answers = {
        row.key: store.client.get_object(Bucket=store.bucket, Key=row.key)
        for row in store.objects("")
    }
    return {key: (one["Body"].read(), one["ContentType"]) for key, one in answers.items()}


def disturb(store: Store) -> None:
    """Change, delete and add objects."""
    store.put("p/a.json", b'{"a": 2}', "application/json")
    store.delete("p/b.html")
    store.put("q/empty", b"no longer")
    store.put("p/new/deep", b"new")


def test_a_restored_bucket_is_as_it_was(store: Store) -> None:
    fill(store)
    before = content(store)
    assert before["p/b.html"] == (b"<p>", "text/html")
    snapshot = BucketSnapshot.take(store)
    for _ in range(2):
        disturb(store)
        assert content(store) != before
        snapshot.restore(store)
        assert content(store) == before
    for key in CONTENT:
        store.delete(key)
    snapshot.restore(store)
    assert content(store) == before


def test_only_what_differs_is_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    snapshot = BucketSnapshot.take(store)
    disturb(store)
    changed: list[str] = []
    put, delete = store.put, store.delete
    monkeypatch.setattr(store, "put", lambda key, *more: (changed.append(key), put(key, *more)))
    monkeypatch.setattr(store, "delete", lambda key: (changed.append(key), delete(key)))
    snapshot.restore(store)
    assert sorted(changed) == ["p/a.json", "p/b.html", "p/new/deep", "q/empty"]
    changed.clear()
    snapshot.restore(store)
    assert changed == []


def test_a_snapshot_is_of_one_bucket(store: Store) -> None:
    snapshot = BucketSnapshot.take(store)
    with pytest.raises(AssertionError, match="one bucket"):
        snapshot.restore(Store(store.client, "another"))


def test_a_prepared_bucket_is_filled_once_and_restored(prepared: Prepared) -> None:
    filled: list[str] = []

    def fill_and_count(store: Store) -> list[str]:
        filled.append(store.bucket)
        return fill(store)

    store, keys = prepared(fill_and_count)
    before = content(store)
    disturb(store)
    again, same_keys = prepared(fill_and_count)
    assert (again.bucket, same_keys, keys) == (store.bucket, keys, sorted(CONTENT))
    assert filled == [store.bucket] == [Store.from_env().bucket]
    assert content(again) == before
    other, _ = prepared(lambda store: store.put("x", b"1"))
    assert other.bucket != store.bucket
    assert list(content(other)) == ["x"]
