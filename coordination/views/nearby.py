"""Which enterprises are near the scene of an incident: to be warned, or able to help."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from contracts.models import Enterprise, Nearby
from coordination.views.incident_page import incident_or_404
from ground.access import Permission
from ground.guards import needs, user_of
from ground.models import Precision
from incidents.models import Incident

SHOWN = 20
# How far an officer may look. A choice for reading the list, never a danger zone: that is for the scene to say.
WITHIN_KM = (5, 20, 50)
USUAL_KM = 20
APPROXIMATE = (Precision.COUNTY, Precision.CITY)


@require_safe
@needs(Permission.READ_INCIDENTS)
def nearby(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show the enterprises nearest to the scene that this user may read: a page, or for htmx the list of it."""
    incident = incident_or_404(request, public_id)
    within_km = next((km for km in WITHIN_KM if str(km) == request.GET.get("within")), USUAL_KM)
    same_trade = request.GET.get("trade") == "same"
    found = _near(request, incident, within_km=within_km, same_trade=same_trade)
    part = "_nearby.html" if request.headers.get("HX-Request") else "nearby.html"
    page = render(
        request,
        f"coordination/incidents/{part}",
        {
            "incident": incident,
            "rows": [(one, one.precision in APPROXIMATE) for one in found[:SHOWN]],
            "more": len(found) > SHOWN,
            "most": SHOWN,
            "within_km": within_km,
            "choices": WITHIN_KM,
            "same_trade": same_trade,
            "is_approximate": incident.precision in APPROXIMATE,
            "only_own_region": not user_of(request).reach(Permission.READ_CONTRACTS).everywhere,
        },
    )
    page["Vary"] = "HX-Request"
    return page


def _near(request: HttpRequest, incident: Incident, *, within_km: int, same_trade: bool) -> list[Nearby]:
    """Return the nearest first, and one more than is shown; the incident's own enterprise is the scene itself."""
    if incident.point is None:
        return []
    theirs = Enterprise.objects.open_to(user_of(request)).exclude(pk=incident.enterprise_id or 0)
    return (
        theirs.select_related("industry")
        .prefetch_related("contacts", "own_teams")
        .nearest_to(
            incident.point,
            industry=incident.industry if same_trade else None,
            count=SHOWN + 1,
            within_km=within_km,
        )
    )
