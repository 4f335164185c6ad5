"""接报: the first report of an incident, with what it means shown beside it while it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contracts.models import Enterprise
from coordination import calling, callouts, recommendations, tasks
from coordination.announcements import announce
from coordination.matching import Situation
from coordination.models import IdempotentAnswer
from coordination.recommendations import Proposal
from coordination.views import first_waves, place_box
from coordination.views.candidate_table import Table, tables_of
from coordination.views.incident_forms import IntakeForm
from coordination.views.place_box import Place
from ground import clock, kinds
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake
from ground.models import Industry, User
from incidents import handling, levels
from incidents.levels import AccidentLevel
from incidents.models import Incident

POLICY = "urgent"
# Another report from so near is likely to be about the same thing.
NEAR_KM = 5.0
# Long past any second tap on the same form.
SECOND_TAP_WITHIN = timedelta(days=2)


@require_safe
@needs(Permission.HANDLE_INCIDENTS)
def suggest(request: HttpRequest) -> HttpResponse:
    """The list under the place box, for what has been typed so far."""
    typed = request.GET.get("q") or request.GET.get("place", "")
    context = {"places": place_box.suggestions(typed), "typed": typed.strip()}
    return render(request, "coordination/incidents/_suggestions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def intake(request: HttpRequest) -> HttpResponse:
    """Take the first report; with “立案并通知” the proposed people are called out at once."""
    at = clock.now()
    if request.method != "POST":
        form = IntakeForm()
        form.fields["place"].widget.attrs["autofocus"] = True
        return render(
            request,
            "coordination/incidents/intake.html",
            {"form": form, **_beside(user_of(request), form.data, at=at)},
        )
    form = IntakeForm(request.POST)
    if form.is_valid() and form.cleaned_data.get("where"):
        try:
            incident, is_new = _open_once(request, form, at=at)
        except Mistake as mistake:
            form.add_error("place", sentence(mistake))
        else:
            announce(f"incident:{incident.public_id}", "desk")
            if is_new and request.POST.get("then") == "call" and user_of(request).may(Permission.CALL_OUT):
                _call_out(request, incident, at=at)
            return redirect("incident", public_id=incident.public_id)
    return render(
        request,
        "coordination/incidents/intake.html",
        {"form": form, **_beside(user_of(request), request.POST, at=at)},
    )


def _open_once(request: HttpRequest, form: IntakeForm, *, at: datetime) -> tuple[Incident, bool]:
    """Open the incident and return it with True; for a second tap on the same form the first one's, with False."""
    once = form.cleaned_data["once"]
    with transaction.atomic():
        claim = _claim(user_of(request), f"intake-{once}", at=at) if once else None
        if claim and claim.answer:
            return Incident.objects.get(public_id=claim.answer["incident"]), False
        incident = handling.open_incident(form.report(), by=actor_of(request), at=at)
        if claim:
            claim.answer = {"incident": str(incident.public_id)}
            claim.save(update_fields=["answer"])
    return incident, True


def _claim(user: User, key: str, *, at: datetime) -> IdempotentAnswer:
    """Return the row of this key: a new one, or, once its transaction is over, that of the tap before."""
    IdempotentAnswer.objects.filter(user=user, at__lt=at - SECOND_TAP_WITHIN).delete()
    return IdempotentAnswer.objects.get_or_create(
        user=user, key=key, defaults={"call": "intake", "body_hash": "", "at": at}
    )[0]


def _call_out(request: HttpRequest, incident: Incident, *, at: datetime) -> None:
    """Call out whom matching proposes. The incident stands whatever becomes of this."""
    requirements = recommendations.proposed_requirements(incident)
    proposal = recommendations.propose(incident, requirements, at=at)
    by = actor_of(request)
    if not proposal.picked_experts and not proposal.picked_teams:
        messages.warning(request, _("已立案，但没有可用的人选，未发通知。请在推荐里调整岗位或放宽条件。"))
        return
    try:
        callout = calling.start(proposal, recommendations.invitees(proposal), policy=POLICY, by=by, at=at)
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
        return
    tasks.nudge()
    experts, teams = callouts.notified(callout)
    messages.success(
        request, _("已立案并通知 %(experts)d 人 %(teams)d 队。") % {"experts": experts, "teams": teams}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Permission.HANDLE_INCIDENTS)
def preview(request: HttpRequest) -> HttpResponse:
    """What stands beside the form for what is typed so far. Nothing is stored, whichever method asks."""
    typed = request.POST if request.method == "POST" else request.GET
    return render(
        request, "coordination/incidents/_preview.html", _beside(user_of(request), typed, at=clock.now())
    )


@dataclass(frozen=True)
class Near:
    """Another open incident close by."""

    incident: Incident
    km: float


def _beside(user: User, typed: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """Return the panel: suggested level, duplicates nearby, the enterprise's file, whom matching proposes."""
    where = _where(typed)
    kind = next((kind for kind in kinds.KINDS if kind.code == typed.get("kind")), None)
    suggestion = levels.suggest(
        deaths=_count(typed, "deaths"),
        serious_injuries=_count(typed, "seriously_injured"),
        loss_wan=_count(typed, "loss_wan"),
        missing=_count(typed, "missing"),
    )
    # At the level at which the incident will be opened, so that the button promises what it does.
    chosen = str(typed.get("accident_level", ""))
    level = AccidentLevel(chosen) if chosen in list(AccidentLevel) else suggestion.counting_missing.level
    proposal = _proposal(kind.code, where, level, at=at) if kind and where and where.where else None
    return {
        "suggestion": suggestion,
        "where": where,
        "kind": kind,
        "near": _near(user, where) if where else [],
        "tables": _picked_only(tables_of(proposal)) if proposal else [],
        "proposal": proposal,
        "first": _first_wave(proposal, level, at=at) if proposal else None,
        "kind_cards": kinds.KINDS,
        "sites": list(where.enterprise.sites.all()) if where and where.enterprise else [],
    }


def _first_wave(proposal: Proposal, level: AccidentLevel, *, at: datetime) -> first_waves.Shown:
    return first_waves.shown(
        proposal.requirements,
        recommendations.invitees(proposal),
        policy=POLICY,
        severity=levels.severity(level),
        at=at,
    )


def _where(typed: Mapping[str, Any]) -> Place | None:
    """Return the place if it is plain by now; half a word is not a mistake yet."""
    place = str(typed.get("place", "")).strip()
    if not place:
        return None
    known = place_box.by_key(str(typed.get("place_choice", ""))) or place_box.by_key(
        str(typed.get("place_key", ""))
    )
    if known and (known.label == place or typed.get("place_choice")):
        return known
    try:
        found = place_box.resolve(place)
    except Mistake:
        return None
    return found[0] if len(found) == 1 else None


def _count(typed: Mapping[str, Any], name: str) -> int:
    value = str(typed.get(name, "")).strip()
    return min(int(value[:9]), 10_000_000) if value.isdecimal() else 0


def _proposal(kind: str, where: Place, level: AccidentLevel, *, at: datetime) -> Proposal:
    enterprise: Enterprise | None = where.enterprise
    industry = (
        (where.site.industry if where.site else None)
        or (enterprise.industry if enterprise else None)
        or Industry.objects.get(pk=kinds.by_code(kind).industry)
    )
    return recommendations.propose_for(
        Situation.RESCUE,
        recommendations.requirements_for(kind, industry, level),
        place=where.where,
        enterprise_id=enterprise.pk if enterprise else None,
        site_id=where.site.pk if where.site else None,
        incident_kind=kind,
        region=where.region,
        at=at,
    )


def _picked_only(tables: list[Table]) -> list[Table]:
    return [table for table in tables if table.rows or table.shortfall]


def _near(user: User, where: Place) -> list[Near]:
    here = where.where
    if here is None:
        return []
    readable = Incident.objects.open_to(user).open()
    found = [Near(incident, here.km_to(incident.point)) for incident in readable if incident.point]
    return sorted((one for one in found if one.km <= NEAR_KM), key=lambda one: one.km)[:3]
