"""Where the bare address leads, and the two answers that machines ask for."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from coordination import metrics, watch
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
def figures(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus, to whoever has the token that MUSTER_METRICS_TOKEN sets; without one to nobody."""
    token = settings.MUSTER_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not constant_time_compare(given, token):
        raise Http404
    return HttpResponse(metrics.text(at=clock.now()), content_type=CONTENT_TYPE_LATEST)


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: the database answers. What the watch sees is said too, but is no reason to send people elsewhere."""
    try:
        at = clock.now()
        faults = [problem.code for problem in watch.reported(at=at)]
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "database unavailable"}, status=503)
    return JsonResponse({"status": "ok", "watch": faults})
