"""The call-out itself: started, advanced, changed, stopped. What invitees say is in `answers`.

Every operation locks downward in one order (incident or guidance request, callout, then what hangs on
it), refuses what the state does not allow, changes the rows, writes the messages and the log line, all
in one transaction. None of them sends anything or reads a clock. Running `advance` at any time, any
number of times, from any number of processes, is harmless: it re-checks what is due under the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from contracts.models import Capability, RescueTeam
from coordination import deliveries, deployments, outgoing, paging, progress, recusal, wording
from coordination.models import (
    Callout,
    Delivery,
    Deployment,
    GuidanceRequest,
    Invitation,
    Requirement,
    Seat,
)
from coordination.paging import (
    OUT,
    AnswerSource,
    CalloutStatus,
    InvitationStatus,
    InviteeKind,
    Mode,
    Purpose,
)
from coordination.visits import FINISHED
from experts.models import Expert
from ground import audit, clock
from ground.audit import SYSTEM, Actor
from ground.mistakes import Mistake, Refused
from ground.models import Industry, Specialty
from incidents import handling
from incidents.lifecycle import IncidentStatus
from incidents.models import Incident

STUCK_AT_MOST = timedelta(minutes=1)
STUCK_ALARM_AT = 3
# Those whom a tie that is written down now can still be about.
MAY_HAVE_TO_RECUSE = frozenset(
    {InvitationStatus.ASKED, InvitationStatus.LAPSED, InvitationStatus.RESERVE, InvitationStatus.ACCEPTED}
)
# Longer than the senders' housekeeping takes to come round.
ENGAGED_LATELY = timedelta(seconds=20)
# More than anybody has ever needed of one kind; a number with a nought too many is a slip.
MOST_SEATS = 100


class NoSeats(Mistake):
    """A callout without a single seat asks for nobody."""


class UnknownPolicy(Mistake):
    """There is no policy of this name."""


class SubjectOver(Refused):
    """The incident or request that the callout is for has ended."""


class SomebodyWasQuicker(Refused):
    """Another callout was started since the caller last looked; the same people would be asked twice."""


class SeatsTaken(Refused):
    """Fewer seats are wanted than people have accepted."""


@dataclass(frozen=True)
class RequirementSpec:
    """One line of what is needed."""

    kind: InviteeKind
    seats: int
    mode: Mode = Mode.ONSITE
    industry: Industry | None = None
    specialty: Specialty | None = None
    capability: Capability | None = None
    certificate: str = ""
    critical: bool = False
    urgent: bool = False

    @classmethod
    def of(cls, row: Requirement, *, seats: int) -> RequirementSpec:
        """Return what a requirement still wants when `seats` of it are free."""
        return cls(
            InviteeKind(row.kind),
            seats,
            mode=Mode(row.mode),
            industry=row.industry,
            specialty=row.specialty,
            capability=row.capability,
            certificate=row.certificate,
            critical=row.critical,
            urgent=row.urgent,
        )


@dataclass(frozen=True)
class Invitee:
    """Somebody to ask for the requirement at `requirement` (its place in the list), in the order of the list."""

    requirement: int
    expert: Expert | None = None
    team: RescueTeam | None = None
    distance_km: float | None = None
    travel_minutes: float | None = None
    travel_source: str = ""
    score: float | None = None
    reasons: dict[str, Any] = field(default_factory=dict)
    basis: str = ""
    override_reason: str = ""


def notified(callout: Callout) -> tuple[int, int]:
    """Return how many experts and teams have been asked by a message that may reach them."""
    asked = callout.invitations.filter(
        Exists(Delivery.objects.alive().filter(invitation=OuterRef("pk"), purpose=Purpose.ASK))
    )
    teams = asked.exclude(team=None).count()
    return asked.count() - teams, teams


def start(
    subject: Incident | GuidanceRequest,
    requirements: Sequence[RequirementSpec],
    invitees: Sequence[Invitee],
    *,
    policy: str,
    known: int | None = None,
    by: Actor,
    at: datetime,
) -> Callout:
    """Start a callout and write the first wave. Nobody is asked twice, however often they are listed.

    `known` is the number of callouts of the subject that the caller had seen: a second tap, and a second
    officer at the same moment, are refused instead of asking the same people again.

    :raises SomebodyWasQuicker: if there are more callouts than `known`.
    :raises NoSeats: if a requirement asks for no seat, or there is none. :raises UnknownPolicy:
    :raises SubjectOver: if the incident or request has ended.
    """
    if not requirements or any(spec.seats < 1 for spec in requirements):
        raise NoSeats(
            "每项岗位至少要 1 个席位。请填写人数，或删去这一项。",
            "Every requirement needs at least 1 seat. Give a number, or remove the line.",
        )
    if policy not in paging.POLICIES:
        raise UnknownPolicy(
            f"没有“{policy}”这种通知策略，可选：{'、'.join(paging.POLICIES)}。",
            f"There is no policy “{policy}”; choose one of: {', '.join(paging.POLICIES)}.",
        )
    with transaction.atomic():
        _lock_open_subject(subject)
        if known is not None and subject.callouts.count() > known:
            raise SomebodyWasQuicker(
                f"刚才已为 {subject.number} 发起了通知应答。请看一遍名单；确实还需要人时，再补充人选或另发起一次。",
                f"A callout for {subject.number} has just been started. Look at its list first; "
                "if more people are needed, add them or start another one.",
            )
        callout = Callout.objects.create(
            incident=subject if isinstance(subject, Incident) else None,
            guidance_request=subject if isinstance(subject, GuidanceRequest) else None,
            policy_code=policy,
            next_step_at=at,
            started_at=at,
            started_by=by.user,
        )
        rows = [_add_requirement(callout, spec, position) for position, spec in enumerate(requirements, 1)]
        _list(callout, invitees, rows)
        seats = "、".join(_seats_wanted(spec) for spec in requirements)
        progress.note(callout, f"发起通知应答：{seats}", by=by, at=at)
        audit.record("callout.start", callout, by=by, at=at, seats=seats, policy=policy)
        if callout.incident and callout.incident.status in (IncidentStatus.REPORTED, IncidentStatus.VERIFIED):
            handling.move(callout.incident, IncidentStatus.RESPONDING, by=by, at=at)
        progress.go_on(callout, at=at)
    return callout


def advance(callout_id: int, *, at: datetime) -> None:
    """Do what is due: let windows close, ask the next, raise the alarm when nobody is left.

    Harmless when nothing is due, when it runs twice, and when two run at once: the second finds the
    first one's `next_step_at` in the future.
    """
    with transaction.atomic():
        callout = progress.lock(callout_id)
        if callout.status == CalloutStatus.OPEN and callout.next_step_at and callout.next_step_at <= at:
            if callout.failed_steps:
                callout.failed_steps = 0
                callout.save(update_fields=["failed_steps"])
            progress.go_on(callout, at=at)


def look_again(callout: Callout, *, at: datetime) -> None:
    """Ask now whom the callout would ask by what is known now; nothing if it is filled, paused or used up."""
    with transaction.atomic():
        callout = progress.lock(callout.pk)
        if callout.status == CalloutStatus.OPEN and not callout.paused:
            progress.go_on(callout, at=at)


def pass_over_engaged(*, at: datetime) -> int:
    """Have those callouts look again that wait for somebody who has just taken a seat elsewhere; return how many.

    Not in the transaction of the answer, which holds the callout that was answered: two answers that each
    reached for the other's would stand still. Looks at the last moments only, and again and again, so that
    it does not matter who dies; what has looked already finds nothing to do.
    """
    taken = Invitation.objects.holding_a_seat().filter(answered_at__gt=at - ENGAGED_LATELY)
    engaged = list(taken.values_list("expert", "team"))
    if not engaged:
        return 0
    waited_for = Invitation.objects.filter(
        Q(expert__in=[expert for expert, _ in engaged if expert])
        | Q(team__in=[team for _, team in engaged if team]),
        status=InvitationStatus.ASKED,
        requirement__mode=Mode.ONSITE,
    )
    return Callout.objects.filter(
        pk__in=waited_for.values("callout"),
        incident__isnull=False,
        status=CalloutStatus.OPEN,
        paused=False,
        next_step_at__gt=at,
    ).update(next_step_at=at)


def set_aside(callout_id: int, *, at: datetime) -> None:
    """Put off the next step of a callout that could not be moved on, so that it does not stand before the others.

    It is tried again after a second, then two, four … at most a minute; at the third failure in a row the
    duty officers are told to see to it by hand.
    """
    with transaction.atomic():
        callout = progress.lock(callout_id)
        if callout.status != CalloutStatus.OPEN:
            return
        callout.failed_steps += 1
        callout.next_step_at = at + min(
            STUCK_AT_MOST, timedelta(seconds=2 ** min(callout.failed_steps - 1, 6))
        )
        callout.save(update_fields=["failed_steps", "next_step_at"])
        if callout.failed_steps == STUCK_ALARM_AT:
            title = wording.subject_title(callout)
            deliveries.alarm(
                subject=f"自动通知出错：{title}",
                text=f"{title}：自动通知连续 {STUCK_ALARM_AT} 次出错，系统会继续重试。"
                "请打开事件人工通知，并通知维护人员查看日志。",
                at=at,
                callout=callout,
            )


def due(at: datetime, *, limit: int = 50) -> list[int]:
    """Return the ids of callouts to advance, longest due first. Unlocked: `advance` re-checks each."""
    return list(Callout.objects.due(at).values_list("pk", flat=True)[:limit])


def add_invitees(callout: Callout, invitees: Sequence[Invitee], *, by: Actor, at: datetime) -> int:
    """Put more people on the list; an exhausted callout opens again. Return how many were new."""
    with transaction.atomic():
        callout = progress.refuse_closed(progress.lock(callout.pk))
        added = _list(callout, invitees, list(callout.requirements.all()))
        if added:
            progress.note(callout, f"补充拟派 {added} 个对象", by=by, at=at)
            audit.record("callout.add_invitees", callout, by=by, at=at, count=added)
            progress.reopen_if_short(callout, at=at)
    return added


def change_seats(requirement: Requirement, seats: int, *, by: Actor, at: datetime) -> None:
    """Raise or lower the number of seats of a requirement while the callout runs.

    :raises SeatsTaken: if more than `seats` have accepted. :raises NoSeats: if negative, or no seat would be left.
    """
    with transaction.atomic():
        callout = progress.refuse_closed(progress.lock(requirement.callout_id))
        rows = list(requirement.seats.order_by("number"))
        taken = sum(row.invitation_id is not None for row in rows)
        if seats < taken:
            raise SeatsTaken(
                f"已有 {taken} 个对象接受，席位不能少于 {taken}。如需减少，请先请人退出。",
                f"{taken} have accepted, so there cannot be fewer than {taken} seats. Ask somebody to withdraw first.",
            )
        if seats < 1 and callout.requirements.count() == 1:
            raise NoSeats(
                "至少要留 1 个席位。不再需要时请结束本次通知应答。",
                "At least 1 seat must be left. End the callout if nobody is needed any more.",
            )
        if seats == len(rows):
            return
        free = [row for row in rows if row.invitation_id is None]
        for row in free[len(free) - max(0, len(rows) - seats) :] if seats < len(rows) else ():
            row.delete()
        highest = max((row.number for row in rows), default=0)
        Seat.objects.bulk_create(
            Seat(requirement=requirement, number=highest + extra) for extra in range(1, seats - len(rows) + 1)
        )
        progress.note(
            callout,
            f"席位调整：{progress.requirement_words(requirement)} {len(rows)} → {seats}",
            by=by,
            at=at,
        )
        audit.record("callout.change_seats", callout, by=by, at=at, requirement=requirement.pk, seats=seats)
        if seats > len(rows):
            progress.reopen_if_short(callout, at=at)
        else:
            progress.settle(callout, at=at)


def pause(callout: Callout, *, by: Actor, at: datetime) -> None:
    """Ask nobody, and nobody further, until `resume`: no window closes, no message of an ask leaves.

    Answers are still taken, and what is on the wire this moment is out.
    """
    with transaction.atomic():
        callout = progress.refuse_closed(progress.lock(callout.pk))
        if callout.status == CalloutStatus.OPEN and not callout.paused:
            # It still has a next moment, so that it cannot be forgotten for ever.
            callout.paused, callout.paused_at, callout.next_step_at = True, at, at + outgoing.HELD
            callout.save(update_fields=["paused", "paused_at", "next_step_at"])
            outgoing.hold(callout)
            progress.note(callout, "暂停自动通知", by=by, at=at)
            audit.record("callout.pause", callout, by=by, at=at)


def resume(callout: Callout, *, by: Actor, at: datetime) -> None:
    """Go on asking now: ends a pause; without one, asks the next wave before the windows have closed.

    After a pause everything goes on as it stood: whoever is waited for has as much time left to answer as
    they had then, and each message to them leaves as long after now as it would have after the pause began.
    """
    with transaction.atomic():
        callout = progress.refuse_closed(progress.lock(callout.pk))
        if callout.status == CalloutStatus.OPEN:
            ahead = not callout.paused
            if callout.paused_at is not None:
                _give_time_back(callout, at=at)
            callout.paused, callout.paused_at, callout.next_step_at = False, None, at
            callout.save(update_fields=["paused", "paused_at", "next_step_at"])
            progress.note(callout, "提前发下一波" if ahead else "继续自动通知", by=by, at=at)
            audit.record("callout.resume", callout, by=by, at=at, ahead=ahead)
            progress.go_on(callout, at=at, ahead=ahead)


def _give_time_back(callout: Callout, *, at: datetime) -> None:
    assert callout.paused_at is not None
    outgoing.let_go(callout, at=at)
    held = max(at - callout.paused_at, timedelta())
    for invitation in callout.invitations.filter(status=InvitationStatus.ASKED):
        invitation.held_for += held
        invitation.save(update_fields=["held_for"])


def stop(callout: Callout, *, reason: str, release_accepted: bool, by: Actor, at: datetime) -> None:
    """End a callout: whoever was asked and has no seat is stood down and told.

    With `release_accepted` (a false alarm) those who accepted are stood down and told as well; without
    it they carry on. Ending an ended callout changes nothing.
    """
    with transaction.atomic():
        callout = progress.lock(callout.pk)
        if callout.status == CalloutStatus.CLOSED:
            return
        for invitation in callout.invitations.select_related("expert", "team", "requirement"):
            if invitation.status == InvitationStatus.ACCEPTED:
                if release_accepted:
                    _stand_down_accepted(callout, invitation, reason, at=at)
            elif invitation.status != InvitationStatus.STOOD_DOWN:
                progress.stand_down(callout, invitation, reason, at=at)
        callout.status = CalloutStatus.CLOSED
        callout.next_step_at = None
        callout.closed_at = at
        callout.close_reason = reason
        callout.save(update_fields=["status", "next_step_at", "closed_at", "close_reason"])
        progress.note(callout, f"通知应答结束：{reason}", by=by, at=at)
        audit.record("callout.stop", callout, by=by, at=at, reason=reason)


def let_recuse(callout_id: int, *, at: datetime) -> None:
    """Let go who is asked or kept in reserve and must recuse by now; of who has accepted the roster admin is told, once."""
    with transaction.atomic():
        callout = progress.lock(callout_id)
        if callout.guidance_request is None or callout.status == CalloutStatus.CLOSED:
            return
        rows = {row.expert_id: row for row in callout.invitations.filter(status__in=list(MAY_HAVE_TO_RECUSE))}
        found = recusal.ties(callout.guidance_request, [pk for pk in rows if pk], today=clock.day_of(at))
        let_go = False
        for expert_id, name in {tie.expert_id: tie.expert.name for tie in found}.items():
            if rows[expert_id].status == InvitationStatus.ACCEPTED:
                _tell_of_tie(callout, name, at=at)
            else:
                progress.stand_down(callout, rows[expert_id], "按规定您应当回避", at=at)
                let_go = True
        if let_go:
            progress.settle(callout, at=at)


def _tell_of_tie(callout: Callout, name: str, *, at: datetime) -> None:
    subject = f"应当回避：{name}"
    if not callout.deliveries.filter(purpose=Purpose.ALARM, subject=subject).exists():
        deliveries.alarm(
            subject=subject,
            text=f"{wording.subject_title(callout)}：{name}已接受，后来登记了与该企业的利害关系，应当回避。"
            "请登记其退出，再补人。",
            at=at,
            callout=callout,
        )


def see(invitation: Invitation, *, at: datetime) -> None:
    """Remember when the invitee first had the answer page in front of them. Delays and decides nothing."""
    seen = Invitation.objects.filter(pk=invitation.pk, first_seen_at=None).update(first_seen_at=at)
    if seen:
        progress.tell_pages(invitation.callout)


def tell_asked(callout: Callout, what: str, *, at: datetime) -> int:
    """Tell everybody who was asked, and not let go, what has changed; return how many."""
    with transaction.atomic():
        callout = progress.lock(callout.pk)
        told = callout.invitations.filter(
            status__in=[
                InvitationStatus.ASKED,
                InvitationStatus.ACCEPTED,
                InvitationStatus.LAPSED,
                InvitationStatus.RESERVE,
            ]
        ).select_related("expert", "team", "callout")
        for invitation in told:
            invitation.callout = callout
            deliveries.tell(
                invitation,
                Purpose.NOTICE,
                subject=wording.correction_subject(callout),
                text=wording.correction_text(invitation, what),
                fields=wording.correction_fields(invitation, what),
                at=at,
            )
    return len(told)


def _stand_down_accepted(callout: Callout, invitation: Invitation, why: str, *, at: datetime) -> None:
    deployment = Deployment.objects.filter(invitation=invitation).first()
    if deployment and deployment.status not in OUT:
        return  # home again; there is nothing to be called off
    if deployment and deployments.can_stand_down(deployment):
        deployments.stand_down(deployment, by=SYSTEM, at=at)
        Seat.objects.filter(invitation=invitation).update(invitation=None)
        invitation.status = InvitationStatus.STOOD_DOWN
    elif deployment:
        deployments.release(deployment, by=SYSTEM, source=AnswerSource.OFFICER, at=at)
    invitation.callout = callout
    invitation.exclusive = False
    invitation.save(update_fields=["status", "exclusive"])
    progress.tell_stood_down(invitation, why, at=at)


def _add_requirement(callout: Callout, spec: RequirementSpec, position: int) -> Requirement:
    requirement = Requirement.objects.create(
        callout=callout,
        position=position,
        kind=spec.kind,
        mode=spec.mode,
        industry=spec.industry,
        specialty=spec.specialty,
        capability=spec.capability,
        certificate=spec.certificate,
        critical=spec.critical,
        urgent=spec.urgent,
    )
    Seat.objects.bulk_create(
        Seat(requirement=requirement, number=number) for number in range(1, spec.seats + 1)
    )
    return requirement


def _list(callout: Callout, invitees: Sequence[Invitee], requirements: Sequence[Requirement]) -> int:
    """Write the invitations in the order given; who is on the list already stays where they are.

    That goes for the lists of all running callouts of the same incident or request: nobody is asked
    twice for the same thing, whoever starts a second one.
    """
    same = Invitation.objects.filter(
        callout__incident=callout.incident, callout__guidance_request=callout.guidance_request
    ).exclude(callout__status=CalloutStatus.CLOSED)
    experts = set(same.exclude(expert=None).values_list("expert", flat=True))
    teams = set(same.exclude(team=None).values_list("team", flat=True))
    last = callout.invitations.aggregate(last=Max("rank"))["last"] or 0
    rows: list[Invitation] = []
    for invitee in invitees:
        if (invitee.expert and invitee.expert.pk in experts) or (invitee.team and invitee.team.pk in teams):
            continue
        if invitee.expert:
            experts.add(invitee.expert.pk)
        if invitee.team:
            teams.add(invitee.team.pk)
        rows.append(
            Invitation(
                callout=callout,
                requirement=requirements[invitee.requirement],
                expert=invitee.expert,
                team=invitee.team,
                rank=last + len(rows) + 1,
                distance_km=invitee.distance_km,
                travel_minutes=invitee.travel_minutes,
                travel_source=invitee.travel_source,
                score=invitee.score,
                reasons=invitee.reasons,
                basis=invitee.basis,
                override_reason=invitee.override_reason,
            )
        )
    Invitation.objects.bulk_create(rows)
    return len(rows)


def _seats_wanted(spec: RequirementSpec) -> str:
    words = progress.asked_words(spec.industry, spec.specialty or spec.capability, spec.mode, spec.kind)
    return f"{words} {spec.seats} {'支' if spec.kind is InviteeKind.TEAM else '名'}"


def _lock_open_subject(subject: Incident | GuidanceRequest) -> None:
    if isinstance(subject, Incident):
        locked = Incident.objects.locked(subject.pk)
        over = not locked.is_open
    else:
        locked_request = GuidanceRequest.objects.locked(subject.pk)
        over = locked_request.status in FINISHED
    if over:
        raise SubjectOver(
            f"{subject.number} 已结束，不能再发起通知应答。",
            f"{subject.number} is over, so no callout can be started for it.",
        )
