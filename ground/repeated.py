"""Questions to the database that are asked again and again, put into SQL once.

Django takes a millisecond to write a query of some joins anew, which is longer than the database takes to
answer it. What is kept is the text of the query alone: the rows are read every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

# Values that nobody asks for; where one of them stands in the written query, there is a blank to be filled.
_A_MOMENT = datetime(1582, 10, 15, 1, 2, 3, 456789, tzinfo=UTC)
_A_TEXT = "\x02a blank of a repeated query, "

Row = TypeVar("Row", bound=Model)


class Repeated:
    """A query of values that differs from one time to the next in nothing but some moments and texts.

    `build` takes those and returns the query, a `values_list`. It is called with stand-ins, once for each kind
    of database, so it must not look at them. Each may stand in the query any number of times.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._build = build
        self._written: dict[str, _Written] = {}

    def rows(self, *blanks: datetime | str) -> list[tuple[Any, ...]]:
        """Ask it now, with these values."""
        written = self._written.get(connection.vendor)
        if written is None:
            written = self._written[connection.vendor] = self._write(blanks)
        filled = list(written.params)
        for at, number in written.blanks:
            filled[at] = _as_param(blanks[number])
        with connection.cursor() as cursor:
            cursor.execute(written.sql, filled)
            rows = cursor.fetchall()
        return [written.read(row) for row in rows] if written.converters else rows

    def _write(self, blanks: Sequence[datetime | str]) -> _Written:
        stand_ins = [_stand_in(number, blank) for number, blank in enumerate(blanks)]
        compiler = self._build(*stand_ins).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        number_of = {_as_param(one): number for number, one in enumerate(stand_ins)}
        found = [(at, number_of[param]) for at, param in enumerate(params) if param in number_of]
        columns = [select[0] for select in compiler.select]
        converters = compiler.get_converters(columns)
        return _Written(sql, tuple(params), tuple(found), tuple(converters.items()))


class RepeatedLookup(Generic[Row]):
    """Looks up a row by its key, where that is a text."""

    def __init__(self, model: type[Row]) -> None:
        self._model = model
        self._names = [column.attname for column in model._meta.concrete_fields]
        self._question = Repeated(
            lambda key: model._default_manager.filter(pk=key).order_by().values_list(*self._names)
        )

    def find(self, key: str) -> Row | None:
        rows = self._question.rows(key)
        return self._model.from_db(connection.alias, self._names, rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class _Written:
    sql: str
    params: tuple[Any, ...]
    blanks: tuple[tuple[int, int], ...]  # which parameter is which blank
    converters: tuple[tuple[int, tuple[Any, Any]], ...]  # by column, as Django's compilers keep them

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for column, (converters, expression) in self.converters:
            for convert in converters:
                values[column] = convert(values[column], expression, connection)
        return tuple(values)


def _stand_in(number: int, blank: datetime | str) -> datetime | str:
    if isinstance(blank, datetime):
        return _A_MOMENT + timedelta(seconds=number)
    return f"{_A_TEXT}{number}"


def _as_param(blank: datetime | str) -> Any:
    """Return the value as the database's driver takes it."""
    return connection.ops.adapt_datetimefield_value(blank) if isinstance(blank, datetime) else blank
