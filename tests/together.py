"""Calls that start in the same instant, or one in the middle of the other, each on a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connection, connections, transaction

PATIENCE_SECONDS = 20


def at_once(
    *calls: Callable[[], Any], refused: type[Exception] | tuple[type[Exception], ...] = ()
) -> list[Any]:
    """Return what each call gave, in order; where one was `refused`, the refusal."""
    together = threading.Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        try:
            together.wait()
            return call()
        except refused as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


@dataclass(frozen=True)
class Meanwhile:
    """What two calls gave of which the second came while the first was not committed yet."""

    first: Any
    second: Any
    had_to_wait: bool  # the second, for a lock of the first


def in_the_middle_of(first: Callable[[], Any], second: Callable[[], Any]) -> Meanwhile:
    """Do `first`, begin `second` before that is committed, and commit once `second` waits for it or is done.

    On PostgreSQL alone: it can be asked who waits for whom, so that nothing here is left to chance.
    """
    backend: Future[int] = Future()

    def begin() -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                backend.set_result(cursor.fetchone()[0])
            return second()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            gave = first()
            begun = pool.submit(begin)
            had_to_wait = _waits(backend.result(PATIENCE_SECONDS), begun)
        return Meanwhile(gave, begun.result(PATIENCE_SECONDS), had_to_wait)


def _waits(backend: int, begun: Future[Any]) -> bool:
    patience_ends = time.monotonic() + PATIENCE_SECONDS
    while not begun.done():
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [backend])
            if cursor.fetchone()[0]:
                return True
        if time.monotonic() > patience_ends:
            raise TimeoutError("the second call neither waits for a lock nor comes to its end")
        time.sleep(0.005)
    return False
