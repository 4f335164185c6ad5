"""Facts of which a candidate has many (practices, absences …), by code or by day.

Pure. So a rule costs as much as the facts it is about, not as much as the pool is long. Which facts there are is
up to `pool`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer[Any]]
Days = NDArray[np.int32]

ROW = np.int32  # half of what numpy would take by itself; there are as many rows as facts
NOBODY: Rows = np.empty(0, dtype=ROW)
BEGINNING = 0
REMEMBERED = 64  # answers kept by each body of facts
NEVER = int(np.iinfo(np.int32).max)

Fact = TypeVar("Fact")


class Tags:
    """Which rows carry a code. Rows are ascending and named once."""

    def __init__(self, lines: Iterable[tuple[int, str]] = ()) -> None:
        found: dict[str, list[int]] = defaultdict(list)
        for row, code in lines:
            found[code].append(row)
        self._rows = {code: np.asarray(sorted(set(rows)), dtype=ROW) for code, rows in found.items()}

    @cached_property
    def tagged(self) -> Rows:
        """Rows with any code."""
        return np.unique(np.concatenate([NOBODY, *self._rows.values()]))

    def rows(self, code: str) -> Rows:
        return self._rows.get(code, NOBODY)

    def rows_but(self, code: str) -> Rows:
        """Return the rows with any other code. A row may be named twice."""
        return np.concatenate([NOBODY, *(rows for other, rows in self._rows.items() if other != code)])

    def has(self, row: int, code: str) -> bool:
        rows = self.rows(code)
        # A number of another kind than the column's would have numpy copy the whole column first.
        position = int(rows.searchsorted(ROW(row)))
        return position < len(rows) and int(rows[position]) == row

    def all_codes(self) -> list[str]:
        return sorted(self._rows)

    def codes(self, row: int) -> list[str]:
        """Return the codes of one row, in order."""
        rows, numbers, codes = self._by_row
        first, end = rows.searchsorted(ROW(row)), rows.searchsorted(ROW(row), "right")
        return [codes[number] for number in numbers[first:end].tolist()]

    @cached_property
    def _by_row(self) -> tuple[Rows, Rows, list[str]]:
        """The same facts in the order of the rows: the row and the number of the code of each, and the codes."""
        codes = self.all_codes()
        rows = np.concatenate([NOBODY, *(self._rows[code] for code in codes)])
        small = np.min_scalar_type(len(codes))
        numbers = np.repeat(np.arange(len(codes), dtype=small), [len(self._rows[code]) for code in codes])
        order = np.argsort(rows, kind="stable")
        return rows[order], numbers[order], codes


class Spans(Generic[Fact]):
    """Facts that hold from a day until a day, both included, each about one row and perhaps under a key."""

    def __init__(self, lines: Iterable[tuple[int, object, int, int, Fact]] = ()) -> None:
        ordered = sorted(lines, key=lambda line: (line[0], line[2], line[3], str(line[1]), str(line[4])))
        self.rows: Rows = np.asarray([line[0] for line in ordered], dtype=ROW)
        self.starts: Days = np.asarray([line[2] for line in ordered], dtype=np.int32)
        self.ends: Days = np.asarray([line[3] for line in ordered], dtype=np.int32)
        self.facts: list[Fact] = [line[4] for line in ordered]
        under: dict[object, list[int]] = defaultdict(list)
        for position, line in enumerate(ordered):
            under[line[1]].append(position)
        self._touching: dict[tuple[int, int, object], Rows] = {}
        self._under = {key: np.asarray(positions, dtype=ROW) for key, positions in under.items()}

    def lines(self) -> list[tuple[int, object, int, int, Fact]]:
        """Return what it was made of: (row, key, start, end, fact), in order."""
        key_at = {int(at): key for key, under in self._under.items() for at in under}
        return [
            (int(self.rows[at]), key_at[at], int(self.starts[at]), int(self.ends[at]), fact)
            for at, fact in enumerate(self.facts)
        ]

    def touching(self, first: int, last: int, key: object = None) -> Rows:
        """Return the rows that have a fact on some day from `first` to `last`. A row may be named twice."""
        # Who is appointed today is asked by every requirement of every question of the day.
        asked = (first, last, key)
        if (known := self._touching.get(asked)) is not None:
            return known
        at = self._under.get(key, NOBODY)
        touching: Rows = self.rows[at[(self.starts[at] <= last) & (self.ends[at] >= first)]]
        if len(self._touching) >= REMEMBERED:
            self._touching.clear()
        self._touching[asked] = touching
        return touching

    def holding(self, day: int, key: object = None) -> Rows:
        return self.touching(day, day, key)

    def keyed(self, key: object) -> Rows:
        """Return the rows that have a fact under the key, whatever its days."""
        named: Rows = self.rows[self._under.get(key, NOBODY)]
        return named

    def of_row(self, row: int, key: object = None) -> list[tuple[int, int, Fact]]:
        """Return the (start, end, fact) of one row under the key, by start."""
        at = self._under.get(key, NOBODY)
        first, end = np.searchsorted(self.rows, np.asarray([row, row + 1], dtype=ROW))
        mine = at[np.searchsorted(at, ROW(first)) : np.searchsorted(at, ROW(end))]
        return [(int(self.starts[i]), int(self.ends[i]), self.facts[i]) for i in mine]
