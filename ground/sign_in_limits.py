"""Slows down somebody who guesses a password: after five wrong ones the name is locked at that address.

Each further round of wrong ones locks it twice as long. It is name and address together, so that a stranger
cannot lock the duty officer out of the duty room. Kept in the cache; losing it only forgives.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.core.cache import cache

FREE_TRIES = 5
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(minutes=30)
# A quiet spell after which the count begins anew.
FORGOTTEN_AFTER = timedelta(hours=2)


def locked_for(username: str, address: str) -> timedelta | None:
    """Return how long the lock lasts that is on now, None if there is none."""
    seconds = cache.get(_key("lock", username, address))
    return timedelta(seconds=seconds) if seconds else None


def failed(username: str, address: str) -> timedelta | None:
    """Count a wrong password; return for how long that locks, None while there are tries left."""
    key = _key("failures", username, address)
    cache.add(key, 0, int(FORGOTTEN_AFTER.total_seconds()))
    failures = cache.incr(key)
    if failures % FREE_TRIES:
        return None
    lock = min(FIRST_LOCK * (1 << failures // FREE_TRIES - 1), LONGEST_LOCK)
    seconds = int(lock.total_seconds())
    cache.set(_key("lock", username, address), seconds, seconds)
    return lock


def succeeded(username: str, address: str) -> None:
    """Forgive: the right password was given."""
    cache.delete_many([_key(what, username, address) for what in ("failures", "lock")])


def _key(what: str, username: str, address: str) -> str:
    # Hashed, for a cache key must not hold whatever somebody types.
    digest = hashlib.sha256(f"{username.strip().lower()}\0{address}".encode()).hexdigest()
    return f"sign-in-{what}-{digest}"
