"""Content of a bucket, copied once and restored wherever a test needs that state again.

Objects hold URIs that name their bucket, so a snapshot belongs to the bucket it was taken of.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyops.store import Store


@dataclass(frozen=True)
class SavedObject:
    """One object; `etag` is the one that the listing gave it."""

    key: str
    data: bytes
    content_type: str
    etag: str


@dataclass(frozen=True)
class BucketSnapshot:
    """All objects of a bucket at one moment, oldest first."""

    bucket: str
    objects: tuple[SavedObject, ...]

    @classmethod
    def take(cls, store: Store) -> BucketSnapshot:
        """Copy every object of the bucket into memory."""
        saved = []
        for row in sorted(store.objects(""), key=lambda row: row.last_modified):
            answer = store.client.get_object(Bucket=store.bucket, Key=row.key)
            saved.append(
                SavedObject(row.key, answer["Body"].read(), answer["ContentType"], row.etag)
            )
        return cls(store.bucket, tuple(saved))

    def restore(self, store: Store) -> None:
        """Give the bucket this content again: new objects are deleted, changed ones written back.

        Objects that are as they were keep their time of modification; the others are written in
        the order in which they came.
        """
        assert store.bucket == self.bucket, "a snapshot is of one bucket"
        etags = {row.key: row.etag for row in store.objects("")}
        for key in etags.keys() - {saved.key for saved in self.objects}:
            store.delete(key)
        for saved in self.objects:
            if etags.get(saved.key) != saved.etag:
                store.put(saved.key, saved.data, saved.content_type)
