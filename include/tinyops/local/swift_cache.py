"""Cache of the embedded Swift's proxy, in the proxy's own memory.

Swift caches in memcached what a bucket allows and which tokens it has given out. Whoever reaches a
memcached can write both, and it listens on a port that every user of the machine reaches. The
embedded stack has one proxy process, so the cache needs no server.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

ENTRIES = 10_000
"""Most entries that are kept; the least recently used one goes first."""

_MONTH = 30 * 24 * 3600


class ProxyCache:
    """The methods of Swift 2.38's MemcacheRing that its proxy and middleware call.

    Values are kept as JSON, so that a caller who changes what it got changes nothing here.
    """

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries = entries
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def set(self, key: str, value: Any, **options: Any) -> None:
        """Keep a value for `time` seconds (0: until there is no room), or until that Unix time."""
        if isinstance(value, bytes):
            value = value.decode()
        self._kept[key] = (_end(options.get("time", 0)), json.dumps(value))
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)

    def get(self, key: str, **_options: Any) -> Any:
        """The value of a key; None without one."""
        end, text = self._kept.get(key, (0.0, ""))
        if end < time.time():
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return json.loads(text)

    def delete(self, key: str, **_options: Any) -> None:
        """Drop a key."""
        self._kept.pop(key, None)

    def incr(self, key: str, delta: int = 1, **options: Any) -> int:
        """Add to a number that is never below 0, and return it."""
        value = max(0, int(self.get(key) or 0) + int(delta))
        self.set(key, value, **options)
        return value

    def decr(self, key: str, delta: int = 1, **options: Any) -> int:
        """Subtract from a number that is never below 0, and return it."""
        return self.incr(key, -int(delta), **options)

    def set_multi(self, mapping: Mapping[str, Any], _server_key: str, **options: Any) -> None:
        """Keep several values."""
        for key, value in mapping.items():
            self.set(key, value, **options)

    def get_multi(self, keys: Iterable[str], _server_key: str) -> list[Any]:
        """The values of several keys, None for each without one."""
        return [self.get(key) for key in keys]


def filter_factory(_global_conf: Mapping[str, str], **_conf: str) -> Callable[[Any], Any]:
    """Entry for paste.deploy: a filter that gives every request the cache."""

    def cached(app: Any) -> Any:
        cache = ProxyCache()

        def call(env: dict[str, Any], start_response: Any) -> Any:
            env["swift.cache"] = cache
            return app(env, start_response)

        return call

    return cached


def _end(seconds: float) -> float:
    # As in memcached: above a month it is a point in time.
    if not seconds:
        return float("inf")
    return float(seconds) if seconds > _MONTH else time.time() + float(seconds)
