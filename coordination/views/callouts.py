"""Callouts on the incident page: started, changed, stopped; answers and deployments recorded by the officer.

Every view takes one decision, calls one operation, and leads back to the incident. What an operation
refuses is said there in the officer's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from coordination import answers, calling, callouts, deployments, recommendations, tasks
from coordination.answers import Result
from coordination.callouts import Invitee, RequirementSpec
from coordination.models import Callout, Deployment, Invitation, Requirement
from coordination.paging import AnswerSource
from coordination.recommendations import Proposal
from coordination.views import callout_forms, first_waves
from coordination.views.board import boards_of
from coordination.views.callout_forms import AnswerForm, PolicyForm, ReasonForm, ReportForm, SeatsForm
from coordination.views.candidate_table import specs_of
from coordination.views.incident_page import incident_or_404
from ground import clock
from ground.access import Permission
from ground.audit import Actor
from ground.guards import actor_of, needs, user_of
from ground.languages import language, sentence
from ground.mistakes import Mistake
from incidents.models import Incident


def _back(incident: Incident | None, **query: str) -> HttpResponse:
    if incident is None:
        raise Http404
    address = reverse("incident", args=[incident.public_id])
    return redirect(f"{address}?{urlencode(query)}" if query else address)


def _act(
    request: HttpRequest, incident: Incident | None, act: Callable[[datetime], str | None]
) -> HttpResponse:
    """Do one thing and lead back to the incident; `act` may return what to tell the officer."""
    try:
        said = act(clock.now())
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
    else:
        tasks.nudge()
        if said:
            messages.success(request, said)
    return _back(incident)


def _theirs(request: HttpRequest) -> QuerySet[Incident]:
    """Return the incidents to which this user may call out."""
    return Incident.objects.open_to(user_of(request), Permission.CALL_OUT)


def _callout_or_404(request: HttpRequest, public_id: UUID) -> Callout:
    return get_object_or_404(
        Callout.objects.select_related("incident"), public_id=public_id, incident__in=_theirs(request)
    )


def _invitation_or_404(request: HttpRequest, public_id: UUID) -> Invitation:
    return get_object_or_404(
        Invitation.objects.select_related("callout__incident", "expert", "team", "requirement"),
        public_id=public_id,
        callout__incident__in=_theirs(request),
    )


def _deployment_or_404(request: HttpRequest, public_id: UUID) -> Deployment:
    return get_object_or_404(
        Deployment.objects.select_related(
            "invitation__callout__incident", "invitation__expert", "invitation__team"
        ),
        public_id=public_id,
        invitation__callout__incident__in=_theirs(request),
    )


# Starting and adding ------------------------------------------------------------------------------


@require_POST
@needs(Permission.CALL_OUT)
def start(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Start a callout for the requirements and the ticked candidates that the officer has before them."""
    incident = incident_or_404(request, public_id, Permission.CALL_OUT)
    wanted = callout_forms.wanted_by(recommendations.proposed_requirements(incident), request.POST)
    if wanted.errors:
        for error in wanted.errors:
            messages.error(request, error)
        return _back(incident, **_rows_sent(request.POST))
    policy = PolicyForm(request.POST)
    if not policy.is_valid():
        messages.error(request, callout_forms.first_error(policy))
        return _back(incident)
    if request.POST.get("rematch"):
        return _back(incident, new="1", **_rows_sent(request.POST))
    if request.POST.get("shown", "") != callout_forms.fingerprint(wanted.specs) and _has_seats(wanted.specs):
        messages.warning(request, _("岗位已改，人选已按新的岗位重新推荐。请看一遍，再通知。"))
        return _back(incident, new="1", **_rows_sent(request.POST))
    by = actor_of(request)

    def begin(at: datetime) -> str:
        proposal, invitees = _listed(incident, wanted.specs, request.POST, at=at)
        callout = calling.start(
            proposal,
            invitees,
            policy=policy.cleaned_data["policy"],
            known=policy.cleaned_data["known"],
            by=by,
            at=at,
        )
        experts, teams = callouts.notified(callout)
        return _("已通知 %(experts)d 人 %(teams)d 队。") % {"experts": experts, "teams": teams}

    return _act(request, incident, begin)


def _has_seats(specs: Sequence[RequirementSpec]) -> bool:
    """Without a seat the operation says what is wrong; there is nothing to look at again."""
    return bool(specs) and all(spec.seats > 0 for spec in specs)


def _rows_sent(sent: QueryDict) -> dict[str, str]:
    """Return the requirement lines and sliders as they were sent, for the address of the page that shows them again."""
    sliders = f"{callout_forms.SLIDERS}-"
    return {
        name: str(sent[name])
        for name in sent
        if (name[:1] == "r" and name[1:2].isdigit()) or name.startswith(sliders)
    }


@require_POST
@needs(Permission.CALL_OUT)
def first_wave(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say what starting would do with what is ticked and chosen now. Writes nothing."""
    incident = incident_or_404(request, public_id, Permission.CALL_OUT)
    at = clock.now()
    wanted = callout_forms.wanted_by(recommendations.proposed_requirements(incident), request.POST)
    context: dict[str, Any] = {"oob": True}
    if wanted.errors or request.POST.get("shown", "") != callout_forms.fingerprint(wanted.specs):
        context["stale"] = True
    else:
        context["first"] = first_waves.shown(
            wanted.specs,
            _listed(incident, wanted.specs, request.POST, at=at)[1],
            policy=request.POST.get("policy", ""),
            severity=incident.severity,
            at=at,
        )
    return render(request, "coordination/callouts/_first_wave.html", context)


def _listed(
    incident: Incident, specs: Sequence[RequirementSpec], sent: QueryDict, *, at: datetime
) -> tuple[Proposal, list[Invitee]]:
    """Return what matching proposes, and whom the officer wants to have on the list."""
    weights = callout_forms.WeightsForm(sent).weights()
    proposal = recommendations.propose(incident, specs, weights=weights, at=at)
    ticked = callout_forms.ticked(sent, specs)
    return proposal, first_waves.ordered(proposal, ticked, backups=bool(sent.get("backups")))


@require_POST
@needs(Permission.CALL_OUT)
def add(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Put the ticked candidates on the list of a running callout."""
    callout = _callout_or_404(request, public_id)
    incident = callout.incident

    def put(at: datetime) -> str:
        if incident is None:
            raise Http404
        board = next(board for board in boards_of(incident) if board.callout.pk == callout.pk)
        specs = specs_of(board)
        chosen = callout_forms.ticked(request.POST, specs)
        if not any(chosen.values()):
            raise Mistake(
                "没有勾选任何人。请先在名单里勾选要补充的专家或队伍。",
                "Nobody is ticked. Tick the experts or teams to add first.",
            )
        proposal = recommendations.propose(incident, specs, at=at)
        invitees = recommendations.invitees(proposal, chosen)
        added = calling.add(callout, proposal, invitees, by=actor_of(request), at=at)
        return _("名单已补充 %(count)d 个对象。") % {"count": added}

    return _act(request, incident, put)


# The callout itself -------------------------------------------------------------------------------


@require_POST
@needs(Permission.CALL_OUT)
def seats(request: HttpRequest, public_id: UUID, position: int) -> HttpResponse:
    """Raise or lower the seats of one requirement while the callout runs."""
    callout = _callout_or_404(request, public_id)
    requirement = get_object_or_404(Requirement, callout=callout, position=position)
    form = SeatsForm(request.POST)
    if not form.is_valid():
        messages.error(request, callout_forms.first_error(form))
        return _back(callout.incident)

    def change(at: datetime) -> str:
        callouts.change_seats(requirement, form.cleaned_data["seats"], by=actor_of(request), at=at)
        return _("席位已改为 %(seats)d。") % {"seats": form.cleaned_data["seats"]}

    return _act(request, callout.incident, change)


@require_POST
@needs(Permission.CALL_OUT)
def pause(request: HttpRequest, public_id: UUID) -> HttpResponse:
    callout = _callout_or_404(request, public_id)
    return _act(request, callout.incident, lambda at: callouts.pause(callout, by=actor_of(request), at=at))


@require_POST
@needs(Permission.CALL_OUT)
def resume(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Go on asking: ends a pause, or does not wait for the windows to close."""
    callout = _callout_or_404(request, public_id)
    return _act(request, callout.incident, lambda at: callouts.resume(callout, by=actor_of(request), at=at))


@require_POST
@needs(Permission.CALL_OUT)
def stop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End the callout: who was asked and has no seat is told; who accepted carries on unless released too."""
    callout = _callout_or_404(request, public_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, callout_forms.first_error(form))
        return _back(callout.incident)

    def end(at: datetime) -> str:
        callouts.stop(
            callout,
            reason=form.cleaned_data["reason"],
            release_accepted=bool(request.POST.get("release")),
            by=actor_of(request),
            at=at,
        )
        return _("通知应答已结束。")

    return _act(request, callout.incident, end)


# One invitee --------------------------------------------------------------------------------------


@require_POST
@needs(Permission.CALL_OUT)
def answer(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Record what somebody said on the phone."""
    invitation = _invitation_or_404(request, public_id)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        messages.error(request, callout_forms.first_error(form))
        return _back(invitation.callout.incident)

    def record(at: datetime) -> str:
        result: Result = answers.answer(invitation, form.answer(at), by=actor_of(request), at=at)
        return _("%(name)s：%(result)s。") % {
            "name": invitation.invitee.name,
            "result": result.word(language()),
        }

    return _act(request, invitation.callout.incident, record)


@require_POST
@needs(Permission.CALL_OUT)
def withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give an accepted seat back: the callout asks on."""
    invitation = _invitation_or_404(request, public_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, callout_forms.first_error(form))
        return _back(invitation.callout.incident)

    def give_back(at: datetime) -> str:
        answers.withdraw(
            invitation,
            reason=form.cleaned_data["reason"],
            source=AnswerSource.OFFICER,
            by=actor_of(request),
            at=at,
        )
        return _("已登记退出，空出的席位继续补人。")

    return _act(request, invitation.callout.incident, give_back)


STEPS: Mapping[str, Callable[..., None]] = {
    "depart": deployments.depart,
    "arrive": deployments.arrive,
    "release": deployments.release,
}


@require_POST
@needs(Permission.HANDLE_INCIDENTS, Permission.CALL_OUT)
def step(request: HttpRequest, public_id: UUID, step: str) -> HttpResponse:
    """Record a departure, an arrival, a return or a report for an invitee."""
    deployment = _deployment_or_404(request, public_id)
    by: Actor = actor_of(request)

    def record(at: datetime) -> None:
        if step == "report":
            form = ReportForm(request.POST)
            text = form.cleaned_data["text"] if form.is_valid() else ""
            deployments.report(deployment, text, by=by, source=AnswerSource.OFFICER, at=at)
        elif step in STEPS:
            STEPS[step](deployment, by=by, source=AnswerSource.OFFICER, at=at)
        else:
            raise Http404

    return _act(request, deployment.invitation.callout.incident, record)
