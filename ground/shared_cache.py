"""Redis as a cache that may be away: then it is an empty one, and nobody waits for it.

Everything that is kept here may be lost (counts of wrong passwords and of calls): losing it only forgives.
Django's own backend raises instead, and every page that counts something would be an error page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import redis
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

from ground.breaker import REDIS

# What redis-py raises when the server is away, frozen, loading or full.
AWAY = (redis.RedisError, OSError)


Answer = TypeVar("Answer")


class SharedCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        # redis-py would try ten times, with pauses.
        options = {"retry": Retry(NoBackoff(), 0), **params.get("OPTIONS", {})}
        super().__init__(server, {**params, "OPTIONS": options})

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        return _asked(lambda: super(SharedCache, self).add(key, value, *args, **kwargs), True)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _asked(lambda: super(SharedCache, self).get(key, default, version), default)

    def set(self, *args: Any, **kwargs: Any) -> None:
        _asked(lambda: super(SharedCache, self).set(*args, **kwargs), None)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return _asked(lambda: super(SharedCache, self).touch(*args, **kwargs), False)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return _asked(lambda: super(SharedCache, self).delete(*args, **kwargs), False)

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return _asked(lambda: super(SharedCache, self).get_many(*args, **kwargs), {})

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return _asked(lambda: super(SharedCache, self).has_key(*args, **kwargs), False)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return _asked(lambda: super(SharedCache, self).incr(key, delta, version), delta)

    def set_many(self, data: dict[Any, Any], *args: Any, **kwargs: Any) -> list[Any]:
        return _asked(lambda: super(SharedCache, self).set_many(data, *args, **kwargs), list(data))

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        _asked(lambda: super(SharedCache, self).delete_many(*args, **kwargs), None)

    def clear(self) -> None:
        _asked(super().clear, None)


def _asked(ask: Callable[[], Answer], when_empty: Answer) -> Answer:
    if REDIS.is_open:
        return when_empty
    try:
        return ask()
    except AWAY:
        REDIS.trip()
        return when_empty
