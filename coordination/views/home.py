"""Where the bare address leads, and the two answers that machines ask for."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from ground import clock
from ground.access import Permission
from ground.guards import user_of

# The first page that somebody may open, in the order of what is most urgent to them.
_FIRST_PAGES = (
    (Permission.READ_INCIDENTS, "desk"),
    (Permission.OWN_ENTERPRISE, "my-enterprise"),
    (Permission.OWN_TEAM, "my-team"),
    (Permission.READ_GUIDANCE, "guidance"),
    (Permission.READ_ROSTER, "experts"),
    (Permission.ADMINISTER, "admin:index"),
)


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the page where this person's work begins."""
    user = user_of(request)
    page = next((page for permission, page in _FIRST_PAGES if user.may(permission)), None)
    if page is None:
        raise PermissionDenied
    return redirect(page)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: the process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: the database answers."""
    try:
        clock.now()
    except DatabaseError:
        return JsonResponse({"status": "database unavailable"}, status=503)
    return JsonResponse({"status": "ok"})
