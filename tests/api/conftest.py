"""Programs that call the API, each with the key of an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from ground import tokens
from ground.models import User
from tests.moments import NOON


@dataclass
class Caller:
    """A program with a key, or without one."""

    key: str = ""
    language: str = "zh-hans"
    client: Client = field(default_factory=Client)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self._headers())

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("patch", path, body, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        return getattr(self.client, method)(
            f"/api/v1/{path}",
            {} if body is None else body,
            content_type="application/json",
            headers={**self._headers(), **{name.replace("_", "-"): said for name, said in headers.items()}},
        )

    def _headers(self) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Accept-Language": self.language, **bearer}


@pytest.fixture
def caller(db: None) -> Callable[..., Caller]:
    """Return a program that calls as `user`; without one, as nobody."""

    def calling(user: User | None = None, language: str = "zh-hans") -> Caller:
        if user is None:
            return Caller(language=language)
        key, _token = tokens.issue(user, name="测试", valid_for=timedelta(days=365), at=NOON)
        return Caller(key, language)

    return calling
