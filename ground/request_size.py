"""Refuses a request that is larger than anything of ours, while it comes in.

Django writes all of a body to the disk before anybody asks who sends it; without an end to that, a stranger
could fill the disk on which the messages stand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

# A workbook has ten megabytes at most; a larger one still gets as far as the sentence that says so.
LARGEST: Final = 40 * 1024 * 1024
_SAID: Final = "请求太大，没有接收。 The request is too large and was not taken.".encode()

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[..., Awaitable[None]]


def limited(application: Application, *, largest: int = LARGEST) -> Application:
    """Return an ASGI application that answers 413 to what is larger, and reads no further."""

    async def with_limit(scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        if _announced(scope) > largest:
            await _refuse(send)
            return
        came, is_too_large, has_begun = 0, False, False

        async def counted() -> Event:
            nonlocal came, is_too_large
            event = await receive()
            came += len(event.get("body", b""))
            if came <= largest:
                return event
            # To the application the caller has gone; it lets go of what it has written.
            is_too_large = True
            return {"type": "http.disconnect"}

        async def watched(event: Event) -> None:
            nonlocal has_begun
            has_begun = True
            await send(event)

        await application(scope, counted, watched)
        if is_too_large and not has_begun:
            await _refuse(send)

    return with_limit


def _announced(scope: Event) -> int:
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and value.isdigit() and len(value) < 19:
            return int(value)
    return 0


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": _SAID})
