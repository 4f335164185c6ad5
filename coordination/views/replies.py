"""Replies that a person has to look at: on the incident they belong to, and all of them on one page.

The program has read each and could not, or may not, take it for an answer. The officer says what it means,
in which case it is recorded as an answer on their word, or leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contracts.models import RescueTeam
from coordination import live, replies, tasks
from coordination.inbound import InboundResult
from coordination.models import Callout, Delivery, Inbound, Invitation
from coordination.paging import CalloutStatus, Purpose, Reply
from coordination.wording import subject_title
from experts.models import Expert
from ground import clock
from ground.access import Permission
from ground.guards import actor_of, needs, user_of
from ground.languages import language, sentence
from ground.mistakes import Mistake
from ground.models import User
from incidents.models import Incident

SHOWN = 100


@dataclass(frozen=True)
class Asked:
    """Somebody who was asked at the number that replied, and what can be recorded for them now."""

    invitation: Invitation
    title: str
    replies: tuple[Reply, ...]


@dataclass(frozen=True)
class Heard:
    """One reply to look at: `why` the program did not take it, whom it may be from."""

    inbound: Inbound
    text: str
    why: Any
    asked: list[Asked]
    names: list[str]


@require_safe
@needs(Permission.CALL_OUT, Permission.HANDLE_GUIDANCE)
def index(request: HttpRequest) -> HttpResponse:
    """All that nobody has looked at yet, those from unknown numbers included."""
    user = user_of(request)
    rows = Inbound.objects.open_to(user).to_check()
    found = heard(rows[:SHOWN], _askable(user), reader=user)
    context = {"heard": found, "count": rows.count(), "can_record": True, "live_url": live.address("desk")}
    return render(request, "coordination/replies/list.html", context)


@require_POST
@needs(Permission.CALL_OUT, Permission.HANDLE_GUIDANCE)
def record(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a reply for the answer that the officer reads in it."""
    inbound = get_object_or_404(Inbound.objects.open_to(user_of(request)), public_id=public_id)

    def take(at: datetime) -> str:
        invitation = (
            _askable(user_of(request)).filter(public_id=_uuid(request.POST.get("invitation"))).first()
        )
        said = request.POST.get("reply", "")
        if invitation is None or said not in {one.value for one in Reply}:
            raise Mistake(
                "请在要登记的人旁边点“接受”“只能远程”或“不能参加”。",
                "Tap accept, remote only or decline beside the person whose answer it is.",
            )
        result = replies.record(inbound, invitation, Reply(said), by=actor_of(request), at=at)
        return _("%(name)s：%(result)s。") % {
            "name": invitation.invitee.name,
            "result": result.word(language()),
        }

    return _done(request, take)


@require_POST
@needs(Permission.CALL_OUT, Permission.HANDLE_GUIDANCE)
def leave(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Leave a reply alone: it is read, and answers nothing."""
    inbound = get_object_or_404(Inbound.objects.open_to(user_of(request)), public_id=public_id)

    def let_be(at: datetime) -> str:
        replies.leave(inbound, by=actor_of(request), at=at)
        return _("已标为看过，不登记答复。")

    return _done(request, let_be)


def of_incident(incident: Incident) -> list[Heard]:
    """Return the replies to look at that came from numbers which this incident asked."""
    asks = Delivery.objects.filter(
        callout__incident=incident, purpose=Purpose.ASK, address=OuterRef("address")
    )
    rows = Inbound.objects.exclude(address="").filter(Exists(asks)).to_check()[:SHOWN]
    return heard(rows, Invitation.objects.filter(callout__incident=incident))


def heard(
    rows: Iterable[Inbound], invitations: QuerySet[Invitation], *, reader: User | None = None
) -> list[Heard]:
    """Return rows with those of `invitations` that were sent to their numbers, in a fixed number of queries.

    Of who replies without having been asked, `reader` is told the name if they may read it.
    """
    rows = list(rows)
    addresses = {row.address for row in rows if row.address}
    if not rows:
        return []
    asks: dict[str, dict[int, Invitation]] = {address: {} for address in addresses}
    sent = (
        Delivery.objects.filter(
            purpose=Purpose.ASK,
            address__in=addresses,
            lease_no__gt=0,
            invitation__in=invitations.values("pk"),
        )
        .select_related(
            "invitation__callout__incident",
            "invitation__callout__guidance_request__enterprise",
            "invitation__requirement",
            "invitation__expert",
            "invitation__team",
        )
        .order_by("-id")
    )
    for ask in sent:
        if ask.invitation:
            asks[ask.address].setdefault(ask.invitation.pk, ask.invitation)
    owners = _owners(addresses, reader)
    return [
        Heard(
            row,
            row.body.get("text", ""),
            row.body.get("why") if row.result == InboundResult.REFUSED else InboundResult(row.result),
            found := [_asked(one) for one in asks.get(row.address, {}).values()],
            list(dict.fromkeys(one.invitation.invitee.name for one in found))
            or sorted(owners.get(row.address, ())),
        )
        for row in rows
    ]


def _asked(invitation: Invitation) -> Asked:
    over = invitation.callout.status == CalloutStatus.CLOSED
    return Asked(invitation, subject_title(invitation.callout), () if over else invitation.offered)


def _owners(addresses: Iterable[str], reader: User | None) -> dict[str, set[str]]:
    """Return whose numbers these are, as far as `reader` may read the roster and the teams."""
    owners: dict[str, set[str]] = {}
    if reader is None:
        return owners
    for kept in (Expert.objects.open_to(reader), RescueTeam.objects.open_to(reader)):
        for name, address in kept.filter(contacts__value__in=list(addresses)).values_list(
            "name", "contacts__value"
        ):
            owners.setdefault(address, set()).add(name)
    return owners


def _askable(user: User) -> QuerySet[Invitation]:
    """Return the invitations for which this user may record an answer."""
    return Invitation.objects.filter(callout__in=Callout.objects.changeable_by(user).values("pk"))


def _uuid(text: str | None) -> UUID:
    """Return the id that a form sent; for nonsense the one that no row has."""
    try:
        return UUID(text or "")
    except ValueError:
        return UUID(int=0)


def _done(request: HttpRequest, act: Callable[[datetime], str]) -> HttpResponse:
    """Do one thing and lead back to where the reply was shown."""
    try:
        said = act(clock.now())
    except Mistake as mistake:
        messages.error(request, sentence(mistake))
    else:
        tasks.nudge()
        messages.success(request, said)
    incidents = Incident.objects.open_to(user_of(request), Permission.READ_INCIDENTS)
    if incident := incidents.filter(public_id=_uuid(request.POST.get("incident"))).first():
        return redirect("incident", public_id=incident.public_id)
    return redirect("replies")
