"""Columns of a pool that Python's own lists and dicts would hold in ten times the memory.

Pure. A list of names and a dict of rows take some two hundred bytes a person, more than all that matching
reads of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import overload

# A table over all ids from the first to the last is worth it while so many of them at most are nobody's.
SPARSE = 16


class Names(Sequence[str]):
    """Names, end to end in one text."""

    def __init__(self, names: Iterable[str]) -> None:
        each = list(names)
        self._text = "".join(each)
        self._ends = array("i", accumulate(map(len, each), initial=0))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[one] for one in range(len(self))[row]]
        row = range(len(self))[row]
        return self._text[self._ends[row] : self._ends[row + 1]]


def row_of(ids: Sequence[int]) -> Mapping[int, int]:
    """Return the row of each id; `ids` ascend."""
    if ids and ids[-1] - ids[0] >= SPARSE * len(ids):
        return {id_: row for row, id_ in enumerate(ids)}
    return _RowOf(ids)


class _RowOf(Mapping[int, int]):
    """A table with an entry for every id from the first to the last: its row, or -1 where it is nobody's."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._first = ids[0] if ids else 0
        self._people = len(ids)
        self._rows = array("i", [-1]) * (ids[-1] - self._first + 1 if ids else 0)
        for row, id_ in enumerate(ids):
            self._rows[id_ - self._first] = row

    def __contains__(self, id_: object) -> bool:
        if not isinstance(id_, int):
            return False
        at = id_ - self._first
        return 0 <= at < len(self._rows) and self._rows[at] >= 0

    def __getitem__(self, id_: int) -> int:
        at = id_ - self._first
        row = self._rows[at] if 0 <= at < len(self._rows) else -1
        if row < 0:
            raise KeyError(id_)
        return row

    def __len__(self) -> int:
        return self._people

    def __iter__(self) -> Iterator[int]:
        return (self._first + at for at, row in enumerate(self._rows) if row >= 0)
