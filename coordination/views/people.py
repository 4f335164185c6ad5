"""The page of an expert: the roster's part, with what the expert was called out for."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coordination.models import GuidanceRequest, Invitation
from experts.views.person import expert_or_404
from experts.views.person import person as person_context
from ground.access import Permission
from ground.guards import needs, user_of
from incidents.models import Incident

SHOWN = 50


@require_safe
@needs(Permission.READ_ROSTER)
def expert(request: HttpRequest, public_id: UUID) -> HttpResponse:
    found = expert_or_404(request, public_id, Permission.READ_ROSTER)
    user = user_of(request)
    context = person_context(found, user)
    invitations = (
        Invitation.objects.filter(expert=found, asked_at__isnull=False)
        .select_related("callout__incident", "callout__guidance_request__enterprise", "deployment")
        .prefetch_related("deployment__steps")
        .order_by("-asked_at")
    )
    # Somebody may read the roster without reading this incident or request: then only the fact is shown.
    context |= {
        "invitations": invitations[:SHOWN],
        "readable_incidents": set(
            Incident.objects.open_to(user)
            .filter(callouts__invitations__expert=found)
            .values_list("pk", flat=True)
        ),
        "readable_requests": set(
            GuidanceRequest.objects.open_to(user)
            .filter(callouts__invitations__expert=found)
            .values_list("pk", flat=True)
        ),
        "asked": invitations.count(),
        "accepted": invitations.filter(deployment__isnull=False).count(),
    }
    return render(request, "coordination/person.html", context)
