"""A store that loses power before a change of an object; what it leaves must be whole."""

from __future__ import annotations

from pathlib import Path

from tinyops.store import Store


class PowerCut(BaseException):
    """Not an error that anything may catch."""


class CutStore(Store):
    """The real store, dying before the first change of every n-th object that it changes.

    A repetition gets past the places at which it died before, so it ends at some time.
    """

    def __init__(self, store: Store, every: int = 1) -> None:
        super().__init__(store.client, store.bucket)
        self.every = every
        self.seen: list[str] = []

    @property
    def died(self) -> int:
        """How often it has died."""
        return len(self.seen) // self.every

    def _cut(self, key: str) -> None:
        if key not in self.seen:
            self.seen.append(key)
            if len(self.seen) % self.every == 0:
                raise PowerCut

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> str:
        self._cut(key)
        return super().put(key, data, content_type)

    def upload(self, path: Path, key: str) -> str:
        self._cut(key)
        return super().upload(path, key)

    def copy(self, source: str, key: str) -> str:
        self._cut(key)
        return super().copy(source, key)

    def delete(self, key: str) -> None:
        self._cut(key)
        super().delete(key)
