"""The embedded engine: one sender loop in a supervised thread of the one process that holds the database."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.db import connection

from coordination import sender
from coordination.ballast import BALLAST
from ground.mistakes import Refused


class AlreadyRunning(Refused):
    """Another process serves this database already."""


# A turn takes a fraction of a second. What has not ended after this long waits for an answer that never comes.
HUNG_AFTER: Final = timedelta(seconds=30)
LOOKED_AFTER_EVERY: Final = timedelta(seconds=5)


class Engine:
    """Started before the first request is served, stopped after the last."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """Take the database for this process and begin sending.

        :raises AlreadyRunning: if another process has it.
        """
        self._lock = _only_one()
        loop = sender.Sender()
        self._thread = threading.Thread(
            target=loop.run,
            args=(self._stop,),
            kwargs={"alone": self._lock is not None},
            name="sender",
            daemon=True,
        )
        self._thread.start()
        threading.Thread(target=self._look_after, args=(loop,), name="supervisor", daemon=True).start()

    def _look_after(self, loop: sender.Sender) -> None:
        """Free the loop from a connection that a router has forgotten without telling anybody."""
        while not self._stop.wait(LOOKED_AFTER_EVERY.total_seconds()):
            if loop.hangs_for() > HUNG_AFTER:
                loop.break_off()

    def stop(self, *, within_seconds: float = 10) -> None:
        self._stop.set()
        sender.WAKE.set()
        if self._thread:
            self._thread.join(within_seconds)
        if self._lock:
            self._lock.close()
            BALLAST.leave()


def do_without_a_pool() -> None:
    """Give every thread of this process a connection of its own, before any has been made.

    A sender needs hardly more than one. Celery closes a pool before and after each task, under the feet of
    the loop beside it; and after the database was away a pool tries again when it likes, not when we do.
    """
    for database in settings.DATABASES.values():
        database.get("OPTIONS", {}).pop("pool", None)


def _only_one() -> IO[str] | None:
    """Lock the SQLite file's neighbour for this process's lifetime; PostgreSQL takes any number of processes."""
    if connection.vendor != "sqlite":
        return None
    name = str(settings.DATABASES["default"]["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        return None
    path = Path(name).with_suffix(".lock")
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise AlreadyRunning(
            f"另一个进程（{holder or '进程号未知'}）正在使用这个数据库。请先停掉它，或直接用它的网页。",
            f"Another process ({holder or 'pid unknown'}) is serving this database. Stop it first, or use its page.",
        ) from None
    lock.seek(0)
    lock.truncate()
    with contextlib.suppress(OSError):  # a full disk must not keep anybody from sending
        lock.write(f"pid {os.getpid()}")
        lock.flush()
    BALLAST.keep_beside(Path(name))
    return lock
