"""What one transaction does to a callout, under the locks that its caller holds.

The shared inside of `callouts` and `answers`: take the locks in order, ask the next, let windows close,
fill, run out, let people go. Nothing here opens a transaction. Others take no more from it than the
locks, the log line and the word to open pages: every change of a callout begins in those two modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, F, Q

from contracts.models import Capability
from coordination import deliveries, paging, recusal, wording
from coordination.announcements import announce
from coordination.models import Callout, Delivery, GuidanceRequest, Invitation, Requirement
from coordination.paging import (
    CalloutStatus,
    InvitationStatus,
    InviteeKind,
    Mode,
    Purpose,
)
from ground import clock
from ground.audit import SYSTEM, Actor
from ground.mistakes import Refused
from ground.models import Industry, Specialty
from incidents import handling
from incidents.models import Incident, LogKind


class CalloutOver(Refused):
    """The callout has ended, so nothing can be asked or answered any more."""


def lock(callout_id: int) -> Callout:
    """Lock the subject, then the callout: the one order that everything keeps to."""
    subject = Callout.objects.values("incident_id", "guidance_request_id").get(pk=callout_id)
    if subject["incident_id"]:
        Incident.objects.locked(subject["incident_id"])
    else:
        GuidanceRequest.objects.locked(subject["guidance_request_id"])
    return Callout.objects.locked(callout_id)


def refuse_closed(callout: Callout) -> Callout:
    if callout.status == CalloutStatus.CLOSED:
        raise CalloutOver(
            "本次通知应答已结束，不能再更改。如还需要人，请另发起一次。",
            "This callout has ended and cannot be changed. Start another one if people are still needed.",
        )
    return callout


def go_on(callout: Callout, *, at: datetime, ahead: bool = False) -> None:
    """Take the steps that are due: close windows, ask the next, fill, run out."""
    while _takes_another_step(callout, at=at, ahead=ahead):
        ahead = False  # nobody waits for who cannot be reached; ends, as each step asks somebody new
    tell_pages(callout)


def _takes_another_step(callout: Callout, *, at: datetime, ahead: bool) -> bool:
    """Take one step; return whether somebody was asked whom no message can reach."""
    policy = callout.policy
    asks = _asks(callout, at=at)
    unasked: dict[str, str] = {}
    for gone in paging.lapsed(asks, policy, at=at):
        unasked |= _lapse(callout, gone, at=at)
    if unasked:
        deliveries.not_known_to_be_asked(callout, unasked, at=at)
    asks = _asks(callout, at=at)
    step = paging.next_step(
        free_seats(callout), asks, policy, at=at, ahead=ahead, per_seat=callout.asked_per_seat()
    )
    match step:
        case paging.InviteMore(ids):
            callout.wave += 1
            callout.next_step_at = at + policy.answer_within
            callout.save(update_fields=["wave", "next_step_at"])
            _ask(callout, ids, at=at)
            # Others may still be inside an earlier window; look again when the first of all windows ends.
            now_asked = _asks(callout, at=at)
            callout.next_step_at = min(end for ask in now_asked if (end := _end_of(ask, policy)) is not None)
            callout.save(update_fields=["next_step_at"])
            return any(ask.invitation_id in ids and not ask.reachable for ask in now_asked)
        case paging.WaitUntil(moment):
            callout.next_step_at = moment
            callout.save(update_fields=["next_step_at"])
        case paging.Exhausted(short):
            _exhaust(callout, short, at=at)
        case paging.Filled():
            _fill(callout, at=at)
    return False


def _end_of(ask: paging.Ask, policy: paging.Policy) -> datetime | None:
    return paging.window_ends(ask, policy) if ask.status is InvitationStatus.ASKED else None


def _asks(callout: Callout, *, at: datetime) -> list[paging.Ask]:
    """Return the callout's invitations as the rule sees them, with who cannot take a seat now."""
    rows = list(callout.invitations.select_related("requirement"))
    engaged = _engaged(rows, callout)
    barred = _barred(rows, callout, at=at)
    heard = set(
        # Of those asked once more only what was written then: an old message is no ask any more.
        Delivery.objects.alive()
        .filter(callout=callout, purpose=Purpose.ASK, created_at__gte=F("invitation__asked_at"))
        .values_list("invitation", flat=True)
    )
    return [
        paging.Ask(
            invitation_id=row.pk,
            requirement_id=row.requirement_id,
            rank=row.rank,
            status=InvitationStatus(row.status),
            asked_at=row.asked_at,
            available=row.pk not in engaged and row.expert_id not in barred and not row.will_not_come,
            reachable=row.pk in heard,
            held_for=row.held_for,
        )
        for row in rows
    ]


def _engaged(rows: Sequence[Invitation], callout: Callout) -> set[int]:
    """Return the invitations whose invitee holds an exclusive seat elsewhere; only an on-site incident seat minds."""
    if callout.incident_id is None:
        return set()
    held = Invitation.objects.holding_a_seat().exclude(callout=callout)
    experts = set(
        held.filter(expert__in=[r.expert_id for r in rows if r.expert_id]).values_list("expert", flat=True)
    )
    teams = set(held.filter(team__in=[r.team_id for r in rows if r.team_id]).values_list("team", flat=True))
    return {
        row.pk
        for row in rows
        if row.requirement.mode == Mode.ONSITE and (row.expert_id in experts or row.team_id in teams)
    }


def _barred(rows: Sequence[Invitation], callout: Callout, *, at: datetime) -> set[int]:
    """Return the experts who must recuse by now: a tie may have been written down since they were listed."""
    request = callout.guidance_request
    if request is None:
        return set()
    experts = [row.expert_id for row in rows if row.expert_id]
    return {tie.expert_id for tie in recusal.ties(request, experts, today=clock.day_of(at))}


def free_seats(callout: Callout) -> dict[int, int]:
    counted = callout.requirements.annotate(free=Count("seats", filter=Q(seats__invitation=None)))
    return dict(counted.values_list("pk", "free"))


def _ask(callout: Callout, ids: Iterable[int], *, at: datetime) -> None:
    names = []
    order = {pk: turn for turn, pk in enumerate(ids)}
    asked = callout.invitations.filter(pk__in=order).select_related("expert", "team", "requirement")
    asked = asked.prefetch_related("expert__contacts", "team__contacts")
    for turn, invitation in enumerate(sorted(asked, key=lambda row: order[row.pk])):
        invitation.callout = callout
        invitation.status = InvitationStatus.ASKED
        invitation.asked_at = at
        invitation.held_for = timedelta()
        invitation.wave = callout.wave
        invitation.save(update_fields=["status", "asked_at", "held_for", "wave"])
        deliveries.ask(
            invitation,
            subject=wording.ask_subject(invitation),
            text=wording.ask_text(invitation),
            fields=wording.ask_fields(invitation),
            turn=turn,
            at=at,
        )
        names.append(invitation.invitee.name)
    note(callout, f"第 {callout.wave} 波发出：{'、'.join(names)}", by=SYSTEM, at=at)


def _lapse(callout: Callout, invitation_id: int, *, at: datetime) -> dict[str, str]:
    """Close the window of one; return their name with the reason if they may never have been asked."""
    invitation = callout.invitations.select_related("expert", "team").get(pk=invitation_id)
    invitation.status = InvitationStatus.LAPSED
    invitation.save(update_fields=["status"])
    unasked = deliveries.window_has_closed(invitation, at=at)
    said = f"{invitation.invitee.name} 超时未答复" + (f"，通知没有确认发出：{unasked}" if unasked else "")
    note(callout, said, by=SYSTEM, at=at, kind=LogKind.SYSTEM)
    return {invitation.invitee.name: unasked} if unasked else {}


def _exhaust(callout: Callout, short: Sequence[int], *, at: datetime) -> None:
    callout.status = CalloutStatus.EXHAUSTED
    callout.next_step_at = None
    callout.save(update_fields=["status", "next_step_at"])
    lines = [
        f"{requirement_words(requirement)}还缺 {free} 个"
        for requirement in callout.requirements.filter(pk__in=short).select_related(
            "industry", "specialty", "capability"
        )
        if (free := requirement.seats.filter(invitation=None).count())
    ]
    text = f"{wording.subject_title(callout)}：名单上已无人可问，{'；'.join(lines)}。请补充人选或扩大范围。"
    note(callout, f"人选用尽：{'；'.join(lines)}", by=SYSTEM, at=at)
    deliveries.alarm(
        subject=f"人选用尽：{wording.subject_title(callout)}",
        text=text,
        at=at,
        callout=callout,
    )


def _fill(callout: Callout, *, at: datetime) -> None:
    callout.status = CalloutStatus.FILLED
    callout.next_step_at = None
    callout.first_filled_at = callout.first_filled_at or at
    callout.save(update_fields=["status", "next_step_at", "first_filled_at"])
    note(callout, "席位已满", by=SYSTEM, at=at)


def settle(callout: Callout, *, at: datetime) -> None:
    """After seats were taken or removed: let go who is no longer needed, and fill or go on."""
    free = free_seats(callout)
    for invitation in callout.invitations.filter(
        status__in=[InvitationStatus.ASKED, InvitationStatus.LAPSED],
        requirement__in=[requirement for requirement, seats in free.items() if not seats],
    ).select_related("expert", "team", "requirement"):
        stand_down(callout, invitation, "人员已足", at=at)
    if not any(free.values()):
        if callout.status != CalloutStatus.FILLED:
            _fill(callout, at=at)
    elif callout.status == CalloutStatus.OPEN and not callout.paused:
        go_on(callout, at=at)
    tell_pages(callout)


def reopen_if_short(callout: Callout, *, at: datetime) -> None:
    if any(free_seats(callout).values()):
        if callout.status != CalloutStatus.OPEN:
            # Nobody is asked in one that is filled, so there is nothing that the pause still holds.
            callout.paused, callout.paused_at = False, None
        callout.status = CalloutStatus.OPEN
        if not callout.paused:
            callout.next_step_at = at
        callout.save(update_fields=["status", "next_step_at", "paused", "paused_at"])
        if not callout.paused:
            go_on(callout, at=at)
    tell_pages(callout)


def stand_down(callout: Callout, invitation: Invitation, why: str, *, at: datetime) -> None:
    """Let go somebody without a seat; tell them if an ask may have reached them and they have not said no."""
    reached = deliveries.cancel(invitation, [Purpose.ASK], reason=why, at=at)
    was = InvitationStatus(invitation.status)
    if was in (InvitationStatus.DECLINED, InvitationStatus.WITHDRAWN):
        return
    invitation.callout = callout
    invitation.status = InvitationStatus.STOOD_DOWN
    invitation.save(update_fields=["status"])
    if reached:
        tell_stood_down(invitation, why, at=at)


def tell_stood_down(invitation: Invitation, why: str, *, at: datetime) -> None:
    deliveries.tell(
        invitation,
        Purpose.STAND_DOWN,
        subject=wording.stand_down_subject(invitation),
        text=wording.stand_down_text(invitation, why),
        fields=wording.stand_down_fields(invitation, why),
        at=at,
    )


def requirement_words(requirement: Requirement) -> str:
    skill = requirement.specialty or requirement.capability
    return asked_words(requirement.industry, skill, Mode(requirement.mode), InviteeKind(requirement.kind))


def asked_words(
    industry: Industry | None, skill: Specialty | Capability | None, mode: Mode, kind: InviteeKind
) -> str:
    """Return whom a line asks for, as the log says it: 煤矿（井下搜救）现场救援队伍."""
    of = f"{industry}（{skill}）" if industry and skill else f"{industry or skill or ''}"
    return f"{of}{mode.zh}{kind.zh}"


def note(callout: Callout, text: str, *, by: Actor, at: datetime, kind: LogKind = LogKind.MILESTONE) -> None:
    if callout.incident:
        handling.note(callout.incident, text, by=by, at=at, kind=kind)


def tell_pages(callout: Callout) -> None:
    if callout.incident:
        announce(f"incident:{callout.incident.public_id}", "desk")
    elif callout.guidance_request:
        announce(f"guidance:{callout.guidance_request.public_id}", "desk")
