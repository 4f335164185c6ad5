"""What is read of the tables, kept for as long as it is what the tables say.

Most steps of a story write to two or three tables, and after each of them everything is looked at. So what was
read stands until one of its tables is written to; and after that it still stands if the same statements
give the same rows, which is asked without Django: to write a statement costs it ten times as much as to run it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db import connection

_WRITES_TO: Final = re.compile(r'\s*(?:INSERT\b.*?\bINTO|UPDATE|DELETE\s+FROM)\s+"(\w+)"', re.DOTALL)
_READS_FROM: Final = re.compile(r'\b(?:FROM|JOIN)\s+"(\w+)"')
_NEITHER: Final = ("SAVEPOINT", "RELEASE", "ROLLBACK TO", "PRAGMA", "SET ")
T = TypeVar("T")
Statement = tuple[str, Any]


@dataclass
class _Kept:
    """What was read, by which statements, from which tables; `rows` are what these statements gave."""

    value: Any
    at_write: int
    tables: frozenset[str]
    statements: tuple[Statement, ...]
    rows: list[list[tuple[Any, ...]]] | None


class Tables:
    """Sees every statement of this connection while it listens.

    What a savepoint takes back was written before, so its tables count as changed.
    """

    def __init__(self) -> None:
        self.writes = 0
        self._last_write: dict[str, int] = defaultdict(int)
        self._all_written_at = 0
        self._kept: dict[Hashable, _Kept] = {}
        self._reading: list[Statement] | None = None

    def listening(self) -> AbstractContextManager[None]:
        return connection.execute_wrapper(self._note)

    def forget(self) -> None:
        """Trust nothing that was read before: somebody else has been at the tables."""
        self.writes += 1
        self._all_written_at = self.writes

    def read(self, name: Hashable, look: Callable[[], T], *, may_be_the_same: bool = False) -> T:
        """Return what `look` reads, from memory under `name` if it would read the same now.

        What it reads must follow from the rows that its statements give. Where it `may_be_the_same` although
        something was written, its statements are run once more before `look` is.
        """
        kept = self._kept.get(name)
        if kept is not None and not self._is_stale(kept):
            return kept.value
        at_write = self.writes
        if kept is not None and kept.rows is not None and _still_give(kept.statements, kept.rows):
            kept.at_write = at_write
            return kept.value
        self._reading = []
        value = look()
        statements, self._reading = tuple(self._reading), None
        tables = frozenset(table for sql, _ in statements for table in _READS_FROM.findall(sql))
        rows = [_fetched(one) for one in statements] if may_be_the_same else None
        self._kept[name] = _Kept(value, at_write, tables, statements, rows)
        return value

    def _is_stale(self, kept: _Kept) -> bool:
        return self._all_written_at > kept.at_write or any(
            self._last_write[table] > kept.at_write for table in kept.tables
        )

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("SELECT", "WITH")):
            if self._reading is not None:
                self._reading.append((sql, params))
        elif written := _WRITES_TO.match(sql):
            self.writes += 1
            self._last_write[written[1]] = self.writes
        else:
            assert sql.startswith(_NEITHER), f"what does this statement write to? {sql}"
        return execute(sql, params, many, context)


def _still_give(statements: tuple[Statement, ...], rows: list[list[tuple[Any, ...]]]) -> bool:
    return all(_fetched(one) == known for one, known in zip(statements, rows, strict=True))


def _fetched(statement: Statement) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return cursor.fetchall()
