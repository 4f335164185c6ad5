"""Server-sent events: an open page hears the names of what has changed and fetches those parts again.

Names only, never content: what a page then fetches passes the usual doors. A lost name costs one poll.
In the embedded mode the names come from this process; with Redis one subscription a process hears the
others' and hands them to the pages that are connected here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse

from coordination import announcements
from coordination.models import GuidanceRequest
from ground import clock
from ground.access import Permission
from ground.models import User
from incidents.models import Incident

log = logging.getLogger(__name__)

# The page turns amber after ten seconds without a sign of life, so one is given twice as often.
# A comment would keep proxies awake, but a browser does not show comments to the page.
BEAT_SECONDS: Final = 5.0
# A wave announces the same name many times within a moment; the page is told once.
GATHER_SECONDS: Final = 0.15
# The browser connects again by itself; whoever has signed out or lost a right meanwhile is refused then.
LIFETIME_SECONDS: Final = 15 * 60.0
RECONNECT_MS: Final = 2000
LISTENING_WITHIN_SECONDS: Final = 2.0
TOPICS_AT_MOST: Final = 20
EVERYTHING: Final = "*"


def address(*topics: str) -> str:
    """Return the address of the stream that tells of these topics, for `live_url` of base.html."""
    return f"{reverse('live')}?{urlencode({'topics': ','.join(topics)}, safe=':,')}"


async def live(request: HttpRequest) -> HttpResponseBase:
    """The stream. Only topics that the user may read; without one of them the answer is 403."""
    if not isinstance(request, ASGIRequest):
        # A WSGI server cannot hold thousands of open streams. 204 ends the attempts; the page polls.
        return HttpResponse(status=204)
    topics = await sync_to_async(_readable)(request)
    if not topics:
        await sync_to_async(connections.close_all)()
        return HttpResponse(status=403)
    at = await sync_to_async(clock.now)()
    # The stream may last for minutes and reads nothing: it must not hold a database connection.
    await sync_to_async(connections.close_all)()
    response = StreamingHttpResponse(_stream(topics, at), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


def _readable(request: HttpRequest) -> frozenset[str]:
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    asked = request.GET.get("topics", "").split(",")[:TOPICS_AT_MOST]
    return frozenset(topic for topic in asked if _may_follow(user, topic))


def _may_follow(user: User, topic: str) -> bool:
    kind, _, key = topic.partition(":")
    match kind:
        case "desk":
            return user.may(Permission.READ_INCIDENTS)
        case "contact-drill":
            return user.may(Permission.CALL_OUT)
        case "incident":
            return _is_uuid(key) and Incident.objects.open_to(user).filter(public_id=key).exists()
        case "guidance" if not key:
            return user.may(Permission.READ_GUIDANCE)
        case "guidance":
            return _is_uuid(key) and GuidanceRequest.objects.readable_by(user).filter(public_id=key).exists()
        case "inbox":
            return settings.MUSTER_MODE == "demo" and (
                user.may(Permission.CALL_OUT) or user.may(Permission.HANDLE_GUIDANCE)
            )
        case _:
            return False


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


class _Page:
    """One connected page: the names it has not been told yet. They merge, so there is nothing to overflow."""

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = frozenset(topics) | {EVERYTHING}
        self._pending: set[str] = set()
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def hear(self, topic: str) -> None:
        """Take a name, from whichever thread announces it."""
        if topic in self._topics:
            self._loop.call_soon_threadsafe(self._take, topic)

    def _take(self, topic: str) -> None:
        self._pending.add(topic)
        self._told.set()

    async def changed(self, *, within: float) -> set[str] | None:
        """Return the names that have come in; None if none did in time."""
        try:
            await asyncio.wait_for(self._told.wait(), within)
        except TimeoutError:
            return None
        await asyncio.sleep(GATHER_SECONDS)
        names, self._pending = self._pending, set()
        self._told.clear()
        return names


async def _stream(topics: frozenset[str], at: datetime) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    began = loop.time()

    def moment() -> str:
        return (at + timedelta(seconds=loop.time() - began)).isoformat()

    page = _Page(topics)
    stop = announcements.listen(page.hear)
    leave: Callable[[], None] | None = None
    try:
        leave = await _relay.join()
        yield f"retry: {RECONNECT_MS}\n" + _event("hello", at=moment())
        while loop.time() - began < LIFETIME_SECONDS:
            names = await page.changed(within=BEAT_SECONDS)
            if names is None:
                yield _event("beat", at=moment(), beat=True)
            else:
                yield _event("changed", at=moment(), changed=[] if EVERYTHING in names else sorted(names))
    finally:
        stop()
        if leave is not None:
            leave()


def _event(name: str, **body: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(body)}\n\n"


class _Relay:
    """The one subscription to Redis of this process; it runs while any page is connected."""

    def __init__(self) -> None:
        self._pages = 0
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    async def join(self) -> Callable[[], None]:
        """Count a page in, and wait until it hears; return what counts it out."""
        if not settings.REDIS_URL:
            return lambda: None
        self._pages += 1
        if self._task is None or self._task.done():
            self._listening = asyncio.Event()
            self._task = asyncio.create_task(_relay_announcements(self._listening))
        with contextlib.suppress(
            TimeoutError
        ):  # without Redis the page is told later that it missed something
            await asyncio.wait_for(self._listening.wait(), LISTENING_WITHIN_SECONDS)
        return self._leave

    def _leave(self) -> None:
        self._pages -= 1
        if not self._pages and self._task:
            self._task.cancel()
            self._task = None


_relay = _Relay()


async def _relay_announcements(listening: asyncio.Event) -> None:
    missed = False
    while True:
        try:
            server = redis.asyncio.Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=2, socket_keepalive=True
            )
            async with server, server.pubsub() as feed:
                await feed.subscribe(announcements.channel())
                async for message in feed.listen():
                    if message["type"] == "subscribe":
                        listening.set()
                        if missed:
                            announcements.deliver_here(EVERYTHING)
                            missed = False
                    elif message["type"] == "message":
                        announcements.deliver_here(json.loads(message["data"]))
        except (redis.RedisError, OSError, ValueError) as error:
            log.warning("the live pages lost Redis; trying again: %s", error)
            missed = True
            await asyncio.sleep(2)
