"""A process that dies in the middle: at the first, second … commit, with it or without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.transaction import Atomic


class Died(BaseException):
    """The process is gone; nothing of the product can catch it."""


class Fate:
    """Says at which commit the process dies. A transaction of the product is a savepoint in that of the story."""

    def __init__(self) -> None:
        self.commits_left = 0
        self.commits_it = False
        self._outside = len(connection.savepoint_ids)

    def seal(self, *, commits_left: int, commits_it: bool) -> None:
        self.commits_left, self.commits_it = commits_left, commits_it

    @property
    def is_sealed(self) -> bool:
        return self.commits_left > 0

    def strikes(self) -> bool:
        """Say whether the commit that comes now is the last of the process."""
        if not self.commits_left or len(connection.savepoint_ids) != self._outside + 1:
            return False
        self.commits_left -= 1
        return self.commits_left == 0


@contextmanager
def mortal(fate: Fate) -> Iterator[None]:
    """Let commits follow `fate` for as long as this lasts."""
    leave = Atomic.__exit__

    def leaves(atomic: Atomic, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None or not fate.strikes():
            return leave(atomic, kind, error, trace)
        if fate.commits_it:
            leave(atomic, None, None, None)
        else:
            leave(atomic, Died, Died(), None)
        raise Died

    Atomic.__exit__ = leaves  # type: ignore[method-assign]
    try:
        yield
    finally:
        Atomic.__exit__ = leave  # type: ignore[method-assign]
