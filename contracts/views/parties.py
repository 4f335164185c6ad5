"""The lists and pages of enterprises and rescue teams."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django_tables2 import RequestConfig, Table

from contracts import agreements
from contracts.filters import EnterpriseFilter, TeamFilter
from contracts.models import Agreement, Enterprise, InterestKind, RescueTeam
from contracts.tables import EnterpriseTable, TeamTable, drive_words, status_mark, team_state_mark
from ground import clock
from ground.access import Permission
from ground.guards import needs, user_of
from ground.models import ContactPoint, User

A_PAGE = 50


def listed(request: HttpRequest, template: str, table: Table, **context: Any) -> HttpResponse:
    """Render a list: the page, or for htmx the part that changes."""
    RequestConfig(request, paginate={"per_page": A_PAGE, "silent": True}).configure(table)
    part = "contracts/_list.html"
    page = render(
        request,
        # `htmx` is put on the request by its middleware.
        part if request.htmx else template,  # type: ignore[attr-defined]
        {"table": table, "page": table.page, "part": part, "list_url": request.path, **context},
    )
    page["Vary"] = "HX-Request"
    return page


def shown_agreements(found: QuerySet[Agreement], *, on: Any) -> list[dict[str, Any]]:
    """Return agreements with what is derived for the day, for a template."""
    rows = found.select_related("enterprise", "team").prefetch_related("consents")
    return [
        {"agreement": row, "mark": status_mark(row.status_on(on)), "drive": drive_words(row)} for row in rows
    ]


def shown_contacts(contacts: QuerySet[Any]) -> list[tuple[ContactPoint, str]]:
    """Return each contact with its number masked; nobody needs the whole number on this page."""
    return [(one, one.masked) for one in contacts]


def linked(user: User, enterprises: Iterable[Enterprise | None] = ()) -> dict[str, Any]:
    """Return which names lead to pages; what is out of reach is named without a link.

    Experts and teams open by their region. An enterprise opens by its sites too, so those that the page names
    are asked for one by one: `enterprises`.
    """
    named = {one.pk for one in enterprises if one}
    return {
        "contracts_reach": user.reach(Permission.READ_CONTRACTS),
        "roster_reach": user.reach(Permission.READ_ROSTER),
        "open_enterprises": set(
            Enterprise.objects.open_to(user).filter(pk__in=named).values_list("pk", flat=True)
        ),
    }


@require_safe
@needs(Permission.READ_CONTRACTS)
def enterprises(request: HttpRequest) -> HttpResponse:
    """Show the enterprises, searched and sorted as the address says."""
    today = clock.day_of(clock.now())
    found = EnterpriseFilter(
        request.GET,
        queryset=Enterprise.objects.open_to(user_of(request)),
        reach=user_of(request).reach(Permission.READ_CONTRACTS),
    )
    rows = found.qs.select_related("industry", "region").prefetch_related(
        "own_teams", Prefetch("agreements", Agreement.objects.prefetch_related("consents"))
    )
    return listed(
        request,
        "contracts/enterprises.html",
        EnterpriseTable(rows, today=today),
        filter=found,
        may_edit=user_of(request).may(Permission.EDIT_CONTRACTS),
    )


@require_safe
@needs(Permission.READ_CONTRACTS)
def enterprise(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one enterprise: sites, whom it may call today and on what ground, its agreements."""
    user = user_of(request)
    one = get_object_or_404(
        Enterprise.objects.open_to(user).select_related("industry", "region__parent"), public_id=public_id
    )
    today = clock.day_of(clock.now())
    interests = one.interests.select_related("expert")
    return render(
        request,
        "contracts/enterprise.html",
        {
            "enterprise": one,
            "sites": one.sites.select_related("industry", "region"),
            "contacts": shown_contacts(one.contacts.all()),
            "obligations": agreements.teams_obliged_to(one, on=today),
            "agreements": shown_agreements(one.agreements.all(), on=today),
            "interests": [(row, InterestKind(row.kind)) for row in interests]
            if user.may(Permission.READ_ROSTER)
            else None,
            "may_edit": user.reach(Permission.EDIT_CONTRACTS).covers(one.region_id),
            "may_reveal": Enterprise.objects.open_to(user, Permission.REVEAL_CONTACTS)
            .filter(pk=one.pk)
            .exists(),
            **linked(user),
            "today": today,
        },
    )


@require_safe
@needs(Permission.READ_CONTRACTS)
def teams(request: HttpRequest) -> HttpResponse:
    """Show the rescue teams, searched and sorted as the address says."""
    today = clock.day_of(clock.now())
    found = TeamFilter(
        request.GET,
        queryset=RescueTeam.objects.open_to(user_of(request)),
        reach=user_of(request).reach(Permission.READ_CONTRACTS),
    )
    in_force = Agreement.objects.in_force(today).values("pk")
    rows = (
        found.qs.select_related("region")
        .prefetch_related("capabilities")
        .annotate(in_force=Count("agreements", filter=Q(agreements__in=in_force), distinct=True))
    )
    return listed(request, "contracts/teams.html", TeamTable(rows), filter=found)


@require_safe
@needs(Permission.READ_CONTRACTS)
def team(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one rescue team: what it can do, where it stands, whom it has promised."""
    user = user_of(request)
    theirs = RescueTeam.objects.open_to(user).select_related("region__parent", "owner")
    one = get_object_or_404(theirs, public_id=public_id)
    agreed = shown_agreements(one.agreements.all(), on=clock.day_of(clock.now()))
    return render(
        request,
        "contracts/team.html",
        {
            "team": one,
            "state": team_state_mark(one.state),
            "industries": one.industries.all(),
            "capabilities": one.capabilities.all(),
            "contacts": shown_contacts(one.contacts.all()),
            "may_reveal": user.reach(Permission.REVEAL_CONTACTS).covers(one.region_id),
            **linked(user, [one.owner, *(row["agreement"].enterprise for row in agreed)]),
            "agreements": agreed,
        },
    )
