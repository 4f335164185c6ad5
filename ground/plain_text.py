"""Refuses what no keyboard types, before any view looks for it in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict

NUL = "\x00"


class PlainTextMiddleware:
    """A NUL in the address is left out, like any nonsense there; in a form it is answered with 400.

    Form classes refuse it by themselves, but not every view has one, and PostgreSQL can neither keep it
    nor look for it. The API refuses it in its own way, with the field's name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_arguments: Any) -> None:
        # A view of the API, or one that reads what came as it came.
        if hasattr(view, "cls") or getattr(view, "takes_any_bytes", False):
            return
        if _has_nul(request.GET):
            # The stubs call GET immutable; a middleware may put another one in its place.
            request.GET = _without_nul(request.GET)  # type: ignore[assignment]
        if request.method == "POST" and _has_nul(request.POST):
            raise BadRequest("a NUL in the form")


def _has_nul(sent: QueryDict) -> bool:
    return any(
        NUL in text
        for name, values in sent.lists()
        for text in (name, *values)
        if isinstance(text, str)  # the values of an upload are not
    )


def _without_nul(sent: QueryDict) -> QueryDict:
    clean = QueryDict(mutable=True)
    for name, values in sent.lists():
        clean.setlist(name.replace(NUL, ""), [str(value).replace(NUL, "") for value in values])
    return clean
