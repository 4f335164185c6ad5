"""A rescue team's own page: whether it can go, what it is asked now, where it has been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contracts import readiness
from contracts.models import Agreement, RescueTeam, TeamState
from coordination import links, wording
from coordination.matching.rules_teams import rested_at
from coordination.models import Invitation
from coordination.paging import OUT, CalloutStatus, InvitationStatus
from ground import clock
from ground.access import Permission
from ground.dates import SHANGHAI
from ground.guards import actor_of, needs, user_of
from ground.languages import sentence
from ground.mistakes import Mistake, Refused

SHOWN: Final = 20


class NoTime(Mistake):
    """What was written is no time of day."""


@dataclass(frozen=True)
class Asked:
    """One ask to the team; `path` leads to its answer page, empty when its link has expired."""

    invitation: Invitation
    subject: str
    situation: str
    answer_by: datetime | None
    path: str
    is_open: bool
    state: str


@require_safe
@needs(Permission.OWN_TEAM)
def home(request: HttpRequest) -> HttpResponse:
    return _page(request, _team(request))


@require_POST
@needs(Permission.OWN_TEAM)
def set_state(request: HttpRequest) -> HttpResponse:
    team = _team(request)
    at = clock.now()
    try:
        if "apparatus_ended" in request.POST:
            ended_at = _last(request.POST["apparatus_ended"], at)
            readiness.end_apparatus_shift(team, ended_at=ended_at, by=actor_of(request), at=at)
        else:
            readiness.declare(team, request.POST.get("state", ""), by=actor_of(request), at=at)
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
        return _page(request, team, status=409 if isinstance(mistake, Refused) else 422)
    messages.success(request, _("队伍状态已更新。"))
    return redirect("my-team")


def _last(written: str, at: datetime) -> datetime:
    """Return when it was last this time of day, "14:20", in Asia/Shanghai: a shift that ended at 23:50 ended yesterday.

    :raises NoTime: if it is no time of day.
    """
    try:
        hour = time.fromisoformat(written.strip())
    except ValueError as wrong:
        raise NoTime(
            f"“{written}”不是时间。请按 24 小时制填写班次结束的时间，例如 14:20。",
            f"“{written}” is no time of day. Give the time at which the shift ended, such as 14:20.",
        ) from wrong
    here = at.astimezone(SHANGHAI)
    today = datetime.combine(here.date(), hour.replace(tzinfo=None), SHANGHAI)
    return today if today <= at else today - timedelta(days=1)


def _page(request: HttpRequest, team: RescueTeam, *, status: int = 200) -> HttpResponse:
    at = clock.now()
    asked = _asked(team, at)
    today = clock.day_of(at)
    context = {
        "team": team,
        "state": TeamState(team.state),
        "states": [TeamState(one) for one in readiness.OWN_STATES],
        "rests_until": _rests_until(team, at),
        "open": [one for one in asked if one.is_open],
        "past": [one for one in asked if not one.is_open],
        "agreements": [
            (row, row.status_on(today))
            for row in Agreement.objects.filter(team=team)
            .select_related("enterprise")
            .prefetch_related("consents")
        ],
    }
    return render(request, "coordination/my_team/home.html", context, status=status)


def _rests_until(team: RescueTeam, at: datetime) -> datetime | None:
    """Return until when matching lets the team rest after breathing apparatus; None if it need not."""
    ended_at = team.apparatus_shift_ended_at
    until = rested_at(ended_at) if ended_at else None
    return until if until and until > at else None


def _team(request: HttpRequest) -> RescueTeam:
    team = RescueTeam.objects.of(user_of(request)).select_related("region", "owner").first()
    if team is None:
        raise Http404
    return team


def _asked(team: RescueTeam, at: datetime) -> list[Asked]:
    rows = (
        Invitation.objects.filter(team=team)
        .filter(~Q(asked_at=None) | Q(status=InvitationStatus.ACCEPTED))
        .select_related("callout__incident__region", "callout__guidance_request__enterprise", "deployment")
        .order_by("-asked_at", "-id")[:SHOWN]
    )
    return [_line(row, at) for row in rows]


def _line(invitation: Invitation, at: datetime) -> Asked:
    callout = invitation.callout
    status = InvitationStatus(invitation.status)
    deployment = getattr(invitation, "deployment", None)
    under_way = status is InvitationStatus.ACCEPTED and (deployment is None or deployment.status in OUT)
    waits = callout.status != CalloutStatus.CLOSED and status in (
        InvitationStatus.ASKED,
        InvitationStatus.LAPSED,
        InvitationStatus.RESERVE,
    )
    # Looking makes no link: the one that was sent is shown, as long as it is good.
    token = invitation.tokens.filter(revoked_at=None, expires_at__gt=at).order_by("-id").first()
    return Asked(
        invitation,
        subject=wording.subject_title(callout),
        situation=wording.situation(callout),
        answer_by=invitation.answer_by,
        path=urlsplit(links.address(token)).path if token else "",
        is_open=under_way or waits,
        state=deployment.status if status is InvitationStatus.ACCEPTED and deployment else status.value,
    )
