"""Redis away: counted things are not counted, and nobody gets an error page or waits for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import caches

from coordination import announcements, tasks
from ground import sign_in_limits
from ground.breaker import REDIS, Breaker
from ground.shared_cache import SharedCache
from tests.factories import a_duty_officer

HERE = "10.0.0.7"


@pytest.fixture
def frozen() -> Iterator[str]:
    """The address of a server whose system takes connections for it, and that answers nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def away(frozen, settings, monkeypatch) -> Iterator[SharedCache]:
    """The product's cache and its announcements, on that server."""
    options = {"socket_connect_timeout": 0.2, "socket_timeout": 0.2}
    found = SharedCache(frozen, {"OPTIONS": options})
    monkeypatch.setattr(sign_in_limits, "cache", found)
    monkeypatch.setattr("rest_framework.throttling.SimpleRateThrottle.cache", found)
    settings.REDIS_URL = frozen
    of_announcements = announcements._redis
    of_announcements.cache_clear()
    REDIS.close()
    yield found
    REDIS.close()
    of_announcements.cache_clear()


def test_a_frozen_redis_is_an_empty_cache(away):
    assert away.get("count", 7) == 7
    assert away.add("count", 0) is True
    assert away.incr("count") == 1
    away.set("count", 3)
    away.delete_many(["count"])
    assert away.get_many(["count"]) == {}
    assert "count" not in away


def test_wrong_passwords_are_forgiven_while_redis_is_away(away):
    assert [sign_in_limits.failed("chenli", HERE) for _ in range(6)] == [None] * 6
    assert sign_in_limits.locked_for("chenli", HERE) is None
    sign_in_limits.succeeded("chenli", HERE)


def test_the_duty_officer_signs_in_while_redis_is_away(away, client, db):
    a_duty_officer()

    page = client.post("/sign-in/", {"username": "chenli", "password": "muster-demo"})

    assert page.status_code == 302


def test_only_the_first_one_waits_for_a_redis_that_does_not_answer(away, monkeypatch):
    asked = []
    monkeypatch.setattr(announcements, "_redis", lambda: asked.append(1))
    monkeypatch.setattr(tasks.wake, "apply_async", lambda **how: asked.append(2))
    away.get("count")
    assert REDIS.is_open

    announcements._publish("desk")
    tasks._ring()

    assert asked == []


def test_it_is_asked_again_after_a_rest():
    breaker = Breaker(timedelta(0))
    breaker.trip()

    assert not breaker.is_open


def test_the_cache_of_this_installation_is_one_that_may_be_away(settings):
    if settings.REDIS_URL:
        assert isinstance(caches["default"], SharedCache)
