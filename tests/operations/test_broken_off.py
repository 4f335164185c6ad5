"""A database connection that a router has forgotten: nobody tells the sender, who would wait for ever."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections

from coordination import engine, sender

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no network"),
]


def test_a_loop_that_hangs_is_freed(monkeypatch):
    """Both senders hung until somebody restarted them; the answer to their question had nobody to come to."""
    monkeypatch.setattr(engine, "HUNG_AFTER", timedelta(seconds=2))
    monkeypatch.setattr(engine, "LOOKED_AFTER_EVERY", timedelta(seconds=0.1))
    loop, failed, came_round = sender.Sender(), [], threading.Event()

    def turn() -> None:
        if failed:
            came_round.set()
            return
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT pg_sleep(60)")
        except OperationalError as error:
            failed.append(error)
            raise

    monkeypatch.setattr(loop, "turn", turn)
    monkeypatch.setattr(sender, "Sender", lambda: loop)
    running = engine.Engine()
    before = time.monotonic()
    running.start()

    assert came_round.wait(20)
    assert failed
    assert time.monotonic() - before < 20
    running.stop()
    with (
        connection.cursor() as cursor
    ):  # the server's side sleeps on, and would be in the way of the next test
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'"
        )
