"""What people write back, or press on their telephone, applied once each; what is unclear is kept for a person.

Whether a call comes from the provider is settled before (`views.callbacks`, `channels`), what a text means
by itself in `reply_texts`. Here it is decided to which ask a reply belongs, and whether it may answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from contracts.models import TeamContact
from coordination import (
    answers,
    callouts,
    channels,
    contact_drills,
    deliveries,
    events,
    guidance,
    progress,
    reply_texts,
    wording,
)
from coordination.announcements import announce
from coordination.answers import Answer, Result
from coordination.channels import Channel, ReplyReceived
from coordination.inbound import TO_CHECK, InboundKind, InboundResult
from coordination.models import Callout, Delivery, Inbound, Invitation
from coordination.paging import (
    AnswerSource,
    CalloutStatus,
    DeliveryStatus,
    InvitationStatus,
    Medium,
    Purpose,
    Reply,
)
from coordination.reply_texts import Meaning
from experts.models import ExpertContact
from ground import audit, phones
from ground.audit import Actor
from ground.mistakes import Refused
from ground.models import UserContact

# Who answers an ask that ended so long ago at most is told that it has.
LATELY: Final = timedelta(days=3)
_LONGEST_TEXT: Final = 1000
_UNANSWERED: Final = frozenset({InvitationStatus.ASKED, InvitationStatus.LAPSED})
# Words that somebody should read, of a known invitee: they stand in the incident's log as well.
_LOGGED: Final = frozenset({InboundResult.UNCLEAR, InboundResult.NOT_OFFERED, InboundResult.REFUSED})


class AlreadyHandled(Refused):
    """Somebody else has dealt with this reply."""


class NotTheirs(Refused):
    """The reply did not come from an address to which this invitation was sent."""


@dataclass(frozen=True)
class _Asked:
    """An invitation that was sent to the address, and whether its digits stood in what was sent."""

    invitation: Invitation
    offers_digits: bool

    @property
    def is_unanswered(self) -> bool:
        return self.invitation.status in _UNANSWERED

    @property
    def offered(self) -> tuple[Reply, ...]:
        return self.invitation.offered if self.offers_digits else ()


def take(channel: Channel, reply: ReplyReceived, *, at: datetime) -> Inbound | None:
    """Take what somebody has written back, or the key they pressed; return its row, None for a repeat.

    It is an answer only if it is clear, was offered, and can only be meant for one open ask: that of the
    message it replies to, where the provider says so, else of those sent to this address. A clear one that
    fits several is asked about, once. Everything else is kept for the duty officer, and answers nothing.
    """
    with transaction.atomic():
        address = _address(reply.address)
        inbound = events.first_time(
            channel.code,
            InboundKind.REPLY,
            reply.event_id or f"{at.isoformat()} {events.digest(reply)}",
            at=at,
            message_id=events.plain(reply.message_id)[: events.LONGEST_ID],
            address=address,
            body={"text": events.plain(reply.text)[:_LONGEST_TEXT]},
        )
        if inbound is None:
            return None
        replied_to = events.message_meant(
            channel.code, str(reply.reference) if reply.reference else "", inbound.message_id
        )
        asked = _asked_at(address, replied_to, at=at)
        if not address and replied_to:
            inbound.address = replied_to.address
        inbound.delivery = replied_to
        inbound.result = _hear(inbound, channel, asked, at=at)
        inbound.save()
        if inbound.result in _LOGGED and inbound.invitation:
            who = inbound.invitation.invitee.name
            progress.note(
                inbound.invitation.callout,
                f"{who} {_source(channel).zh}（待核）：{inbound.body['text'][:200]}",
                by=Actor(None, who),
                at=at,
            )
        _announce(inbound, asked)
    return inbound


def _hear(inbound: Inbound, channel: Channel, asked: Sequence[_Asked], *, at: datetime) -> InboundResult:
    if channel.medium is Medium.VOICE and not inbound.body["text"].strip():
        return InboundResult.CHANGED_NOTHING  # nobody pressed a key; a machine may have taken the call
    live = [one for one in asked if one.invitation.callout.status != CalloutStatus.CLOSED]
    waiting = [one for one in live if one.is_unanswered]
    if not waiting and (check := contact_drills.asked_at(inbound.address, at=at)) is not None:
        # Whatever they wrote: it reached them, and that was the question.
        contact_drills.confirm(check, source=_source(channel), at=at)
        if not live:
            return InboundResult.ANSWERED
    codes = {reply_texts.code_of(one.invitation.public_id) for one in live}
    meaning = reply_texts.read(inbound.body["text"], codes=codes)
    if meaning.code:
        meant = [one for one in live if reply_texts.code_of(one.invitation.public_id) == meaning.code]
    else:
        # Who has an ask before them means that one; a change of mind is meant when there is none.
        meant = waiting or live
    if len(meant) == 1:
        inbound.invitation = meant[0].invitation
    elif not live and asked:
        inbound.invitation = asked[0].invitation

    if meaning.needs_question and live and not _was_just_asked(inbound, waiting):
        # 好的 to a stand-down, or to what we wrote back, is no yes; while an ask is open it might be one.
        return InboundResult.UNCLEAR if waiting else InboundResult.HEARD
    if meaning.reply is None:
        return _not_an_answer(inbound, meaning, waiting, asked, at=at)
    if not live:
        return _too_late(inbound, channel, asked, at=at)
    if len(meant) > 1:
        _ask_which(inbound, channel, meaning.reply, meant, at=at)
        return InboundResult.AMBIGUOUS
    if meaning.reply not in meant[0].offered:
        return InboundResult.NOT_OFFERED
    return _answer(inbound, channel, meant[0].invitation, meaning.reply, at=at)


def _was_just_asked(inbound: Inbound, waiting: Sequence[_Asked]) -> bool:
    """Say whether the message replied to, or else the last that went there, asks one of those who have not answered."""
    sent = Delivery.objects.filter(address=inbound.address, lease_no__gt=0).exclude(
        status=DeliveryStatus.FAILED
    )
    last = inbound.delivery or sent.order_by("created_at", "id").last()
    return last is None or (
        last.purpose == Purpose.ASK and last.invitation_id in {one.invitation.pk for one in waiting}
    )


def _answer(
    inbound: Inbound, channel: Channel, invitation: Invitation, reply: Reply, *, at: datetime
) -> InboundResult:
    by = Actor(None, invitation.invitee.name)
    # Locked before it is looked at: of two replies at the same instant one finds what the other has done.
    progress.lock(invitation.callout_id)
    invitation.refresh_from_db()
    before = (invitation.status, invitation.reply)
    if before == (InvitationStatus.WITHDRAWN, reply):
        return InboundResult.REPEATED
    try:
        answers.answer(invitation, Answer(reply, _source(channel)), by=by, at=at)
    except Refused as refused:
        if not Inbound.objects.filter(invitation=invitation, result=InboundResult.REFUSED).exists():
            _write_back(inbound, channel, invitation, wording.refused_text(invitation, refused.zh), at=at)
        inbound.body["why"] = {"zh": refused.zh, "en": refused.en}
        return InboundResult.REFUSED
    if request := invitation.callout.guidance_request:
        guidance.follow(request, by=by, at=at)
    if (invitation.status, invitation.reply) == before:
        return InboundResult.REPEATED
    # What they had said before without saying for what is clear now.
    Inbound.objects.to_check().filter(address=inbound.address, result=InboundResult.AMBIGUOUS).update(
        handled_at=at, handled_as=reply
    )
    _write_back(inbound, channel, invitation, wording.taken_text(invitation), at=at)
    return InboundResult.ANSWERED


def _not_an_answer(
    inbound: Inbound, meaning: Meaning, waiting: Sequence[_Asked], asked: Sequence[_Asked], *, at: datetime
) -> InboundResult:
    if not asked:
        return _nobodys(inbound)
    if meaning.heard:
        for one in waiting:
            callouts.see(one.invitation, at=at)
        if not waiting:
            return InboundResult.HEARD  # a thank-you
    return InboundResult.UNCLEAR


def _too_late(inbound: Inbound, channel: Channel, asked: Sequence[_Asked], *, at: datetime) -> InboundResult:
    if not asked:
        return _nobodys(inbound)
    invitation = asked[0].invitation
    told = Inbound.objects.filter(invitation=invitation, result=InboundResult.OVER)
    if not told.exists():
        why = "本次通知已结束，您不必前往。"
        _write_back(inbound, channel, invitation, wording.refused_text(invitation, why), at=at)
    return InboundResult.OVER


def _ask_which(
    inbound: Inbound, channel: Channel, reply: Reply, meant: Sequence[_Asked], *, at: datetime
) -> None:
    """Ask back which of several asks is meant, once for the same asks, however often the digit comes."""
    # Whoever takes several of these locks takes them in this order.
    for callout_id in sorted({one.invitation.callout_id for one in meant}):
        Callout.objects.locked(callout_id)
    invitations = sorted((one.invitation for one in meant), key=lambda one: one.pk)
    asked_about = ",".join(str(one.public_id) for one in invitations)
    inbound.body["asked_about"] = asked_about
    earlier = Inbound.objects.filter(address=inbound.address, result=InboundResult.AMBIGUOUS)
    codes = {reply_texts.code_of(one.public_id) for one in invitations}
    if len(codes) < len(invitations) or earlier.filter(body__asked_about=asked_about).exists():
        return
    way = _way_back(channel)
    if way is not None:
        deliveries.write_back(
            way,
            inbound.address,
            recipient=invitations[0].invitee.name,
            policy=min((one.callout.policy for one in invitations), key=lambda one: one.priority),
            subject=wording.which_subject(),
            text=wording.which_text(reply, invitations),
            at=at,
        )


def _write_back(
    inbound: Inbound, channel: Channel, invitation: Invitation, text: str, *, at: datetime
) -> None:
    if (way := _way_back(channel)) is not None and inbound.address:
        deliveries.write_back(
            way,
            inbound.address,
            recipient=invitation.invitee.name,
            policy=invitation.callout.policy,
            subject=wording.taken_subject(invitation),
            text=text,
            invitation=invitation,
            at=at,
        )


def _way_back(channel: Channel) -> Channel | None:
    """Return over which channel to write back: nobody is rung up to be told that a key was heard."""
    if channel.medium is not Medium.VOICE:
        return channel
    return next((one for one in channels.installed() if one.medium is Medium.SMS), None)


def _asked_at(address: str, replied_to: Delivery | None, *, at: datetime) -> list[_Asked]:
    """Return who was asked at this address, the latest first: of running callouts, or else the last one lately over.

    With a message that the provider says is replied to, if that was an ask, only whom it asked.
    """
    asks = Delivery.objects.filter(purpose=Purpose.ASK, lease_no__gt=0).exclude(invitation=None)
    if replied_to and replied_to.purpose == Purpose.ASK and address in ("", replied_to.address):
        asks = asks.filter(invitation=replied_to.invitation_id, address=replied_to.address)
    elif address:
        asks = asks.filter(address=address)
    else:
        return []
    found: dict[int, _Asked] = {}
    rows = asks.select_related(
        "invitation__callout__incident",
        "invitation__callout__guidance_request",
        "invitation__requirement",
        "invitation__expert",
        "invitation__team",
    ).order_by("-id")
    takes_replies = {one.code for one in channels.installed() if one.caps.takes_replies}
    running = list(rows.exclude(callout__status=CalloutStatus.CLOSED))
    for ask in running or list(rows.filter(callout__closed_at__gt=at - LATELY)[:1]):
        invitation: Invitation = ask.invitation  # type: ignore[assignment]  # excluded above
        before = found.get(invitation.pk)
        offers = ask.channel in takes_replies or (before is not None and before.offers_digits)
        found[invitation.pk] = _Asked(invitation, offers)
    return list(found.values())


def _nobodys(inbound: Inbound) -> InboundResult:
    """Tell somebody of the roster, the teams or the accounts from a number that nobody knows."""
    known = any(
        contacts.objects.filter(value=inbound.address).exists()
        for contacts in (ExpertContact, TeamContact, UserContact)
    )
    return InboundResult.UNASKED if known else InboundResult.STRANGER


def _source(channel: Channel) -> AnswerSource:
    return {
        Medium.VOICE: AnswerSource.VOICE,
        Medium.APP: AnswerSource.APP,
        Medium.WEBHOOK: AnswerSource.API,
    }.get(channel.medium, AnswerSource.SMS)


def _address(given: str) -> str:
    """Return an address as ours are kept, so that the two can be compared."""
    plain = events.plain(given).strip()[: events.LONGEST_ID]
    try:
        return phones.normalise(plain)
    except phones.WrongPhone:
        return plain


def _announce(inbound: Inbound, asked: Sequence[_Asked]) -> None:
    for callout in {one.invitation.callout for one in asked}:
        progress.tell_pages(callout)
    if inbound.result in TO_CHECK:
        announce("desk")


# What a person makes of it --------------------------------------------------------------------------


def record(inbound: Inbound, invitation: Invitation, reply: Reply, *, by: Actor, at: datetime) -> Result:
    """Take a reply that nobody but a person could read as this answer, on the officer's word.

    :raises AlreadyHandled: :raises NotTheirs: :raises Refused: as `answers.answer` does.
    """
    with transaction.atomic():
        # The callout before the reply, as where a clear answer settles what was unclear before.
        progress.lock(invitation.callout_id)
        inbound = _unhandled(inbound)
        sent_there = invitation.deliveries.filter(
            purpose=Purpose.ASK, address=inbound.address, lease_no__gt=0
        )
        if not inbound.address or not sent_there.exists():
            raise NotTheirs(
                f"这条回复不是从通知{invitation.invitee.name}的号码发来的，请在其应答栏里代答。",
                f"This reply did not come from where {invitation.invitee.name} was asked; "
                "record their answer on their own line.",
            )
        said = Answer(reply, AnswerSource.OFFICER, reason=inbound.body["text"][:200])
        result = answers.answer(invitation, said, by=by, at=at)
        if request := invitation.callout.guidance_request:
            guidance.follow(request, by=by, at=at)
        _handle(inbound, reply, by=by, at=at)
        inbound.invitation = invitation
        inbound.save(update_fields=["invitation"])
    return result


def leave(inbound: Inbound, *, by: Actor, at: datetime) -> None:
    """Take a reply off the list of what has to be looked at; it answers nothing.

    :raises AlreadyHandled:
    """
    with transaction.atomic():
        _handle(_unhandled(inbound), None, by=by, at=at)


def _unhandled(inbound: Inbound) -> Inbound:
    locked = Inbound.objects.select_for_update(of=("self",), no_key=True).get(pk=inbound.pk)
    if locked.handled_at is not None or locked.result not in TO_CHECK:
        raise AlreadyHandled(
            "这条回复已有人处理过了。请刷新页面。",
            "Somebody has dealt with this reply already. Reload the page.",
        )
    return locked


def _handle(inbound: Inbound, reply: Reply | None, *, by: Actor, at: datetime) -> None:
    inbound.handled_at, inbound.handled_by, inbound.handled_as = at, by.user, reply or ""
    inbound.save(update_fields=["handled_at", "handled_by", "handled_as"])
    audit.record("reply.handle", inbound, by=by, at=at, handled_as=reply or "")
    if inbound.invitation:
        progress.tell_pages(inbound.invitation.callout)
    announce("desk")
