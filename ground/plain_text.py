"""Refuses what no keyboard types, before any view looks for it in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict

NUL = "\x00"


class PlainTextMiddleware:
    """A NUL in the address or in a form is answered with 400.

    Form classes refuse it by themselves, but not every view has one, and PostgreSQL can neither keep it
    nor look for it. The API refuses it in its own way, with the field's name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_arguments: Any) -> None:
        if hasattr(view, "cls"):  # a view of the API
            return
        if _has_nul(request.GET) or (request.method == "POST" and _has_nul(request.POST)):
            raise BadRequest("a NUL in the address or the form")


def _has_nul(sent: QueryDict) -> bool:
    def said() -> Iterable[str]:
        for name, values in sent.lists():
            yield name
            yield from (value for value in values if isinstance(value, str))

    return any(NUL in text for text in said())
