"""Leaves alone for a while what has just not answered, so that its being away costs one wait, not one for each."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final


class Breaker:
    """Open while something is left alone. One for all that depend on the same thing."""

    def __init__(self, rest: timedelta) -> None:
        self._rest = rest.total_seconds()
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def trip(self) -> None:
        """It did not answer: do not ask again until it has had a rest."""
        self._open_until = time.monotonic() + self._rest

    def close(self) -> None:
        self._open_until = 0.0


# Redis is asked by the pages in passing (a count, an announcement, the doorbell); none of it is worth a wait.
REDIS: Final = Breaker(timedelta(seconds=5))
