"""A request larger than anything of ours is refused while it comes in, whoever sends it and wherever to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.asgi import get_asgi_application

from ground.request_size import limited

pytestmark = pytest.mark.django_db


def sent(*parts: bytes, announced: int | None = None, largest: int = 1000) -> tuple[int, int]:
    """Post these parts to an answer link that there is not; return the status and how many parts were read."""
    headers = [(b"host", b"localhost")]
    if announced is not None:
        headers.append((b"content-length", str(announced).encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/callbacks/nobody/secret/receipts/",
        "raw_path": b"",
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.1", 5000),
        "server": ("localhost", 80),
        "scheme": "http",
    }
    waiting: Iterator[bytes] = iter(parts)
    read = 0
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        part = next(waiting, None)
        if part is None:
            await asyncio.sleep(3600)  # the caller waits for the answer
        read += 1
        return {"type": "http.request", "body": part, "more_body": read < len(parts)}

    async def send(event: dict[str, Any]) -> None:
        answered.append(event)

    asyncio.run(asyncio.wait_for(limited(get_asgi_application(), largest=largest)(scope, receive, send), 20))
    return answered[0]["status"], read


def test_what_is_small_enough_is_looked_at():
    assert sent(b"x" * 500, b"x" * 500) == (404, 2)


def test_what_says_that_it_is_larger_is_not_read_at_all():
    assert sent(b"x" * 2000, announced=2000) == (413, 0)


def test_what_does_not_say_so_is_read_up_to_there():
    assert sent(*[b"x" * 300] * 50) == (413, 4)


@pytest.mark.parametrize("announced", [0, 10])
def test_what_lies_about_its_length_is_counted(announced):
    assert sent(*[b"x" * 300] * 50, announced=announced) == (413, 4)
