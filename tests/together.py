"""Calls that start in the same instant, each in a thread and on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections


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
