"""Lists by cursor: what is added while somebody pages through neither repeats nor hides a row."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from ground.mistakes import Mistake

# What a list takes beside its own filters.
PARAMETERS = frozenset({"cursor", "page_size"})


class WrongCursor(Mistake):
    """A cursor that was not given out by this list."""

    def __init__(self) -> None:
        super().__init__(
            "cursor 不是本列表给出的。请原样使用 next 或 previous 里的地址，或从头开始。",
            "The cursor was not given out by this list. Use the addresses in next or previous as they are, "
            "or begin again.",
        )


class Cursor(CursorPagination):
    """Pages of 50, up to 200 with `page_size`. A cursor holds what the list is ordered by, never a key."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"

    @classmethod
    def by(cls, *ordering: str) -> type[Cursor]:
        """Return the pagination of a list in this order; the first column is what a cursor holds."""
        return type("Cursor", (cls,), {"ordering": ordering})

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, DataError) as wrong:
            raise WrongCursor from wrong


class RankedCursor(Cursor):
    """The same for a list in memory that is ordered by what the caller asked, such as the distance."""

    def needed(self, request: Request) -> int:
        """Return how much of the ranking the page takes: up to its end, and one more that says whether it is the last."""
        return self._start(request) + (self.get_page_size(request) or self.page_size) + 1

    def paginate_queryset(
        self, queryset: Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.request = request
        self.size = self.get_page_size(request) or self.page_size
        self.start = self._start(request)
        self.total = len(queryset)
        return list(queryset[self.start : self.start + self.size])

    def get_paginated_response(self, data: Any) -> Response:
        before = max(0, self.start - self.size) if self.start else None
        after = self.start + self.size if self.start + self.size < self.total else None
        return Response({"next": self._link(after), "previous": self._link(before), "results": data})

    def _start(self, request: Request) -> int:
        cursor = request.query_params.get(self.cursor_query_param)
        if cursor is None:
            return 0
        try:
            return max(0, int(urlsafe_b64decode(cursor.encode()).removeprefix(b"after=")))
        except ValueError as wrong:
            raise WrongCursor from wrong

    def _link(self, start: int | None) -> str | None:
        if start is None:
            return None
        cursor = urlsafe_b64encode(f"after={start}".encode()).decode()
        return replace_query_param(self.request.build_absolute_uri(), self.cursor_query_param, cursor)
