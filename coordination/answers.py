"""What invitees say, by whichever way it reaches us: link, officer at the phone, API, demo inbox.

Every answer locks the callout first (a plain lock: skipping a locked last seat that is then rolled back
would tell somebody "full" wrongly), then takes or frees seats and writes the log, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from coordination import deliveries, deployments, paging, progress, recusal, wording
from coordination.models import Callout, Deployment, Invitation, Seat
from coordination.paging import AnswerSource, CalloutStatus, InvitationStatus, Mode, Purpose, Reply
from coordination.progress import CalloutOver
from ground import audit, clock
from ground.audit import SYSTEM, Actor
from ground.mistakes import Refused
from ground.terms import Term


class AlreadyEngaged(Refused):
    """The invitee holds an on-site seat of another incident and has not been released from it."""


class CannotAnswer(Refused):
    """The invitation is in a state in which this answer makes no sense."""


@dataclass(frozen=True)
class Answer:
    """What an invitee says. `source` tells how it reached us; an officer's record names the officer as actor."""

    reply: Reply
    source: AnswerSource
    eta_at: datetime | None = None
    crew: int | None = None
    vehicles: int | None = None
    reason: str = ""
    back_on: date | None = None


class Result(Term):
    """What an answer came to."""

    SEATED = "seated", "已占席位", "seated"
    RESERVE = "reserve", "已列候补", "kept in reserve"
    DECLINED = "declined", "已婉拒", "declined"
    WITHDRAWN = "withdrawn", "已退出", "withdrawn"


# What an answer came to that still stands.
_STANDING: Final[Mapping[InvitationStatus, Result]] = {
    InvitationStatus.ACCEPTED: Result.SEATED,
    InvitationStatus.RESERVE: Result.RESERVE,
    InvitationStatus.DECLINED: Result.DECLINED,
    InvitationStatus.WITHDRAWN: Result.WITHDRAWN,
}


def answer(invitation: Invitation, said: Answer, *, by: Actor, at: datetime) -> Result:
    """Take an invitee's answer. Saying the same again changes nothing but the details given.

    A yes takes a free seat of its requirement; without one the invitee is kept in reserve and told so.
    A remote yes to an on-site ask takes a free remote seat, or is kept in reserve: it never fills an
    on-site seat. A no after a yes gives the seat back.

    :raises CalloutOver: if the callout has ended and this is not the answer given before.
    :raises AlreadyEngaged: if the invitee holds an on-site seat of another incident.
    :raises MustRecuse: if a tie to the enterprise bars them by now.
    """
    with transaction.atomic():
        callout = progress.lock(invitation.callout_id)
        invitation.refresh_from_db()
        status = InvitationStatus(invitation.status)
        if (standing := _standing(callout, invitation, said)) is not None:
            _update_details(callout, invitation, said, by=by, at=at)
            return standing
        if status is InvitationStatus.ACCEPTED and said.reply is Reply.DECLINE:
            _withdraw(callout, invitation, said, by=by, at=at)
            return Result.WITHDRAWN
        if callout.status == CalloutStatus.CLOSED:
            raise CalloutOver(
                "本次通知已结束，感谢您。需要联系请拨打值班电话。",
                "This callout has ended, thank you. If you need to talk to us, ring the duty phone.",
            )
        if said.reply is Reply.DECLINE:
            _decline(callout, invitation, said, by=by, at=at)
            return Result.DECLINED
        if status is not InvitationStatus.ACCEPTED:
            return _accept(callout, invitation, said, by=by, at=at)
        # On site to remote or back: the seat held is given up, then one of the other kind is sought. Somebody
        # else is asked for the one given up, also where all seats were filled.
        give_back(callout, invitation, at=at)
        result = _accept(callout, invitation, said, by=by, at=at)
        progress.reopen_if_short(callout, at=at)
        return result


def withdraw(invitation: Invitation, *, reason: str, source: AnswerSource, by: Actor, at: datetime) -> None:
    """Give an accepted seat back: the callout re-opens and asks on.

    :raises CannotAnswer: if no seat is held, or the invitee is on the scene already (release them instead).
    """
    said = Answer(Reply.DECLINE, source, reason=reason)
    with transaction.atomic():
        callout = progress.lock(invitation.callout_id)
        invitation.refresh_from_db()
        if invitation.status != InvitationStatus.ACCEPTED:
            raise CannotAnswer(
                f"{invitation.invitee.name}没有占用席位，无需退出。",
                f"{invitation.invitee.name} holds no seat, so there is nothing to withdraw from.",
            )
        _withdraw(callout, invitation, said, by=by, at=at)


def _standing(callout: Callout, invitation: Invitation, said: Answer) -> Result | None:
    """Return what this answer came to when it was given before; None if it is news, or comes to more by now."""
    if said.reply != invitation.reply:
        return None
    status = InvitationStatus(invitation.status)
    # A reserve who says yes again takes the seat that has become free since.
    if status is InvitationStatus.RESERVE and _seat_for(callout, invitation, said) is not None:
        return None
    return _STANDING.get(status)


def _accept(callout: Callout, invitation: Invitation, said: Answer, *, by: Actor, at: datetime) -> Result:
    status = InvitationStatus(invitation.status)
    if status not in paging.ACCEPTABLE and status is not InvitationStatus.ACCEPTED:
        raise CannotAnswer(
            f"{invitation.invitee.name}现在是“{status.zh}”，不能改为接受。",
            f"{invitation.invitee.name} is now “{status.en}” and cannot accept.",
        )
    if callout.guidance_request and invitation.expert_id:
        recusal.refuse(
            callout.guidance_request,
            [invitation.expert_id],
            today=clock.day_of(at),
            mend=recusal.CANNOT_ACCEPT,
        )
    _take_down(invitation, said, by=by, at=at)
    seat = _seat_for(callout, invitation, said)
    deliveries.cancel(invitation, [Purpose.ASK], reason="已答复", at=at)
    if seat is None:
        invitation.status = InvitationStatus.RESERVE
        invitation.exclusive = False
        invitation.save()
        what = "只能远程，列为候补" if said.reply is Reply.REMOTE else "愿意参加，席位已满，列为候补"
        progress.note(callout, f"{invitation.invitee.name} {what}{_told_by(said)}", by=by, at=at)
        progress.settle(callout, at=at)
        return Result.RESERVE

    invitation.status = InvitationStatus.ACCEPTED
    invitation.exclusive = callout.incident_id is not None and seat.requirement.mode == Mode.ONSITE
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError as taken:
        raise AlreadyEngaged(
            f"{invitation.invitee.name}正在另一起事件现场执行任务，返回之前不能接受现场席位。",
            f"{invitation.invitee.name} is deployed at another incident and cannot take an on-site seat until released.",
        ) from taken
    seat.invitation = invitation
    seat.save(update_fields=["invitation"])
    deployments.commit(invitation, by=by, source=said.source, at=at)
    progress.note(callout, _acceptance_words(invitation, said), by=by, at=at)
    audit.record("invitation.accept", invitation, by=by, at=at, source=said.source.value)
    progress.settle(callout, at=at)
    return Result.SEATED


def _seat_for(callout: Callout, invitation: Invitation, said: Answer) -> Seat | None:
    """Return the lowest free seat that this answer may take."""
    free = Seat.objects.filter(requirement__callout=callout, invitation=None).select_related("requirement")
    own = invitation.requirement
    if said.reply is Reply.ACCEPT or own.mode == Mode.REMOTE:
        return free.filter(requirement=own).first()
    return (
        free.filter(requirement__kind=own.kind, requirement__mode=Mode.REMOTE)
        .filter(Q(requirement__industry=own.industry) | Q(requirement__industry=None))
        .order_by("requirement__position", "number")
        .first()
    )


def _decline(callout: Callout, invitation: Invitation, said: Answer, *, by: Actor, at: datetime) -> None:
    status = InvitationStatus(invitation.status)
    if status not in paging.DECLINABLE:
        raise CannotAnswer(
            f"{invitation.invitee.name}现在是“{status.zh}”，无需再婉拒。",
            f"{invitation.invitee.name} is now “{status.en}”; there is nothing left to decline.",
        )
    _take_down(invitation, said, by=by, at=at)
    invitation.status = InvitationStatus.DECLINED
    invitation.save()
    deliveries.cancel(invitation, [Purpose.ASK], reason="已答复", at=at)
    why = f"：{said.reason}" if said.reason else ""
    progress.note(callout, f"{invitation.invitee.name} 婉拒{why}{_told_by(said)}", by=by, at=at)
    audit.record("invitation.decline", invitation, by=by, at=at, source=said.source.value)
    # A no moves on at once: nobody waits for the window to close.
    progress.settle(callout, at=at)


def _withdraw(callout: Callout, invitation: Invitation, said: Answer, *, by: Actor, at: datetime) -> None:
    give_back(callout, invitation, at=at)
    _take_down(invitation, said, by=by, at=at)
    invitation.status = InvitationStatus.WITHDRAWN
    invitation.save()
    why = f"：{said.reason}" if said.reason else ""
    then = _after_withdrawal(callout)
    progress.note(callout, f"{invitation.invitee.name} 接受后退出{why}{_told_by(said)}，{then}", by=by, at=at)
    audit.record("invitation.withdraw", invitation, by=by, at=at, reason=said.reason)
    deliveries.alarm(
        subject=f"接受后退出：{invitation.invitee.name}",
        text=f"{wording.subject_title(callout)}：{invitation.invitee.name}接受后退出{why}，{then}。",
        at=at,
        callout=callout,
    )
    if callout.status != CalloutStatus.CLOSED:
        progress.reopen_if_short(callout, at=at)


def _after_withdrawal(callout: Callout) -> str:
    """Return what becomes of a seat given back, for whoever may have to see to it by hand."""
    if callout.status == CalloutStatus.CLOSED:
        return "本次通知应答已结束，不会自动补人；还需要人时请另发起一次"
    if callout.paused and callout.status == CalloutStatus.OPEN:
        return "自动通知已暂停，尚未补人；请继续通知，或人工补人"
    return "系统已继续补人"


def give_back(callout: Callout, invitation: Invitation, *, at: datetime) -> None:
    """Free the invitee's seat and end the deployment that came of it, unless they are on the scene."""
    deployment = Deployment.objects.filter(invitation=invitation).first()
    if deployment and not deployments.can_stand_down(deployment):
        raise CannotAnswer(
            f"{invitation.invitee.name}已经到场或返回，不能退出。还在现场的请登记返回。",
            f"{invitation.invitee.name} has reached the scene or been released and cannot withdraw. "
            "Record the release instead.",
        )
    Seat.objects.filter(invitation=invitation).update(invitation=None)
    invitation.exclusive = False
    invitation.save(update_fields=["exclusive"])
    if deployment:
        deployments.stand_down(deployment, by=SYSTEM, at=at)


def _take_down(invitation: Invitation, said: Answer, *, by: Actor, at: datetime) -> None:
    invitation.reply = said.reply
    invitation.answer_source = said.source
    invitation.answered_at = at
    invitation.answered_by = by.user
    invitation.eta_at = said.eta_at
    invitation.crew = said.crew
    invitation.vehicles = said.vehicles
    invitation.reason = said.reason
    invitation.back_on = said.back_on


def _update_details(
    callout: Callout, invitation: Invitation, said: Answer, *, by: Actor, at: datetime
) -> None:
    """The same answer again: take new details over, keep the moment of the first answer."""
    news = {
        name: value
        for name in ("eta_at", "crew", "vehicles", "reason", "back_on")
        if (value := getattr(said, name)) and value != getattr(invitation, name)
    }
    if not news:
        return
    for name, value in news.items():
        setattr(invitation, name, value)
    invitation.save(update_fields=list(news))
    if "eta_at" in news and invitation.eta_at:
        progress.note(
            callout,
            f"{invitation.invitee.name} 更改预计到达：{wording.moment(invitation.eta_at)}{_told_by(said)}",
            by=by,
            at=at,
        )
    progress.tell_pages(callout)


def _acceptance_words(invitation: Invitation, said: Answer) -> str:
    words = f"{invitation.invitee.name} 接受"
    if invitation.is_remote:
        words = f"{invitation.invitee.name} 远程支援"
    if invitation.eta_at:
        words += f"，预计 {wording.moment(invitation.eta_at)} 到"
    if said.crew:
        words += f"，{said.crew} 人 {said.vehicles or 0} 车"
    return words + _told_by(said)


def _told_by(said: Answer) -> str:
    if said.source is AnswerSource.OFFICER:
        return "（值班员代答）"
    by_machine = (AnswerSource.SMS, AnswerSource.VOICE, AnswerSource.APP)
    return f"（{said.source.zh}）" if said.source in by_machine else ""
