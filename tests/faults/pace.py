"""The product's hours in seconds: its clock runs faster, and its windows are shorter. The rest of it is the product's.

All moments come from `ground.clock.now`, so that is the one thing to replace. The clock of a lane is shared
by its processes through a few bytes of memory: it can be stopped, so that nothing becomes due while a
schedule is judged, and moved on when nobody has anything to do.
"""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LAYOUT = "ddd"  # base, moved on by, stopped at; in seconds, 0 for not stopped
_SIZE = struct.calcsize(_LAYOUT)


class SharedClock:
    """The hands of a lane's clock, the same in all processes that open this file."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(handle, _SIZE)
        self._memory = mmap.mmap(handle, _SIZE)
        os.close(handle)

    def reset(self, *, base: datetime) -> None:
        self._write(base.timestamp(), 0.0, 0.0)

    def move_on(self, by: timedelta) -> None:
        base, moved, stopped = self._read()
        self._write(base, moved + by.total_seconds(), stopped)

    def stop(self, at: datetime) -> None:
        base, moved, _ = self._read()
        self._write(base, moved, at.timestamp())

    def shown(self, database: datetime, *, speed: float) -> datetime:
        """Return what the clock shows when the database's shows `database`."""
        base, moved, stopped = self._read()
        seconds = stopped or base + (database.timestamp() - base) * speed + moved
        return datetime.fromtimestamp(seconds, tz=UTC)

    def _read(self) -> tuple[float, float, float]:
        return struct.unpack(_LAYOUT, self._memory[:_SIZE])  # type: ignore[return-value]

    def _write(self, *hands: float) -> None:
        self._memory[:_SIZE] = struct.pack(_LAYOUT, *hands)


def hurry(hands: SharedClock, *, speed: float, windows: float, stretch: float = 1.0) -> None:
    """Make this process live faster, from now on and for good.

    On a busy machine `stretch` keeps those who have nothing to do from looking too often.
    """
    from django.conf import settings

    from coordination import ballast, paging, sender, watch
    from ground import clock

    settings.SENT_UP_TO = None  # a lane's database begins anew with each schedule; nobody has restored it

    ballast.SIZE = ballast.LEFT_FREE = 1 << 16  # type: ignore[misc]  # a lane lies in memory
    the_database_s = clock.now
    clock.now = lambda: hands.shown(the_database_s(), speed=speed)
    clock.skew = lambda: timedelta(0)
    policies = paging.POLICIES
    for code, policy in list(policies.items()):
        policies[code] = _shorter(policy, windows)  # type: ignore[index]
    sender.POLL = 0.04 * stretch  # type: ignore[misc]
    # Every 0.25 and 0.5 seconds of ours, instead of twenty times a second.
    sender.HOUSEKEEPING_EVERY = 0.25 * speed * stretch  # type: ignore[misc]
    watch.EVERY = timedelta(seconds=0.5 * speed * stretch)  # type: ignore[misc]


def _shorter(policy, windows: float):
    """Return the policy with every span of time that it has cut to `windows` of its length."""
    spans = {name: value * windows for name, value in vars(policy).items() if isinstance(value, timedelta)}
    shorter = replace(policy, **spans)
    if steps := getattr(policy, "steps", ()):
        shorter = replace(shorter, steps=tuple(replace(step, after=step.after * windows) for step in steps))
    return shorter
