"""The application as a server calls it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import SyncToAsync

from coordination.config.asgi import application


def answer_to(path: str) -> tuple[int, bytes]:
    """What the application answers, called as a server calls it."""
    sent: list[dict[str, Any]] = []
    scope = {
        **{"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "query_string": b""},
        **{"path": path, "raw_path": path.encode(), "root_path": ""},
        "headers": [(b"host", b"127.0.0.1"), (b"accept-language", b"en")],
    }

    async def call() -> None:
        asked = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if asked:
                return asked.pop()
            await asyncio.Event().wait()
            raise AssertionError("a connection that stays open says nothing more")

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await application(scope, receive, send)

    asyncio.run(call())
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/nonsense/", 404, b"problem:not_found"),
        ("/static/css/tokens.css", 200, b":root"),
    ],
)
def test_a_call_goes_to_its_thread_to_begin_to_be_answered_and_to_end(monkeypatch, db, path, status, said):
    went = []
    ask = SyncToAsync.__call__

    async def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        went.append(self.func)
        return await ask(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)

    answered, body = answer_to(path)

    assert answered == status
    assert said in body
    assert len(went) == 3
