"""A store whose requests end at a limit, however slowly the server answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tinyops.releases.bounded_read import BoundedReader, ReadTimeout
from tinyops.store import Store, StoreUnavailable
from tinyops.store.bucket import fix_of_outage

T = TypeVar("T")


class BoundedStore(Store):
    """The bucket of `store`. An upload that took too long may still arrive later.

    Parameters
    ----------
    seconds
        Limit for each request.
    """

    def __init__(self, store: Store, seconds: float) -> None:
        super().__init__(store.client, store.bucket)
        self.clock = store.clock
        self._seconds = seconds
        self._reader = BoundedReader()

    def _call(self, key: str, call: Callable[[], T], ok: str = "\0") -> T:
        def request() -> list[T]:
            return [super(BoundedStore, self)._call(key, call, ok)]

        deadline = time.monotonic() + self._seconds
        try:
            (answer,) = self._reader.read(lambda: iter(request()), deadline)
        except ReadTimeout as error:
            raise StoreUnavailable(
                f"{self.uri(key)}: {error}, limit {self._seconds:g} s", fix_of_outage("")
            ) from None
        return answer
