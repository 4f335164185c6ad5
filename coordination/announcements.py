"""Telling open pages that something has changed, after the commit that changed it.

Only names of what changed are told, never content: a page then fetches what it may see. Losing an
announcement costs a page one poll, so nothing here may fail or wait.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from functools import cache, partial
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from ground.breaker import REDIS

log = logging.getLogger(__name__)

Listener = Callable[[str], None]

_listeners: set[Listener] = set()
_lock = threading.Lock()


def announce(*topics: str) -> None:
    """Tell, once the running transaction commits, that these topics changed ("incident:UUID", "desk")."""
    for topic in topics:
        transaction.on_commit(partial(_publish, topic), robust=True)


def listen(listener: Listener) -> Callable[[], None]:
    """Call `listener(topic)` for every announcement in this process; return the function that stops it."""
    with _lock:
        _listeners.add(listener)

    def stop() -> None:
        with _lock:
            _listeners.discard(listener)

    return stop


def deliver_here(topic: str) -> None:
    """Hand a topic to this process's listeners; used directly when there is no Redis between processes."""
    with _lock:
        listeners = list(_listeners)
    for listener in listeners:
        try:
            listener(topic)
        except Exception:  # one page that has gone must not keep the others from hearing it
            log.exception("a page could not be told that %s has changed", topic)


def channel() -> str:
    """Return the name of the channel in Redis: published messages know no database number, names must.

    Two installations on one server would otherwise ring at each other's pages.
    """
    return f"muster:changes:{urlsplit(settings.REDIS_URL).path.strip('/') or 0}"


def _publish(topic: str) -> None:
    if not settings.REDIS_URL or REDIS.is_open:
        deliver_here(topic)
        return
    try:
        _redis().publish(channel(), json.dumps(topic))
    except redis.RedisError as error:
        # Pages on this machine still hear of it; the others poll.
        REDIS.trip()
        log.warning("announcement not published: %s", error)
        deliver_here(topic)


@cache
def _redis() -> redis.Redis:
    # The defaults wait five seconds and retry ten times; an announcement may cost a fifth of a second.
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.2, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0)
    )
