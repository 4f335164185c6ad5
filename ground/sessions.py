"""Keeps the session of somebody at work alive, and lets that of somebody who left run out."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

RENEWED_EVERY_SECONDS = 60
RENEWED = "renewed"


class IdleSessionMiddleware:
    """Start the idle time anew with each request, but write that down once a minute at most.

    Django's own setting for this writes to the database on every request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            # The machine's clock will do for a minute's grain, and costs no query.
            moment = int(time.time())  # noqa: TID251
            if not 0 <= moment - request.session.get(RENEWED, 0) < RENEWED_EVERY_SECONDS:
                request.session[RENEWED] = moment
        return self.get_response(request)
