"""Messages as rows: written with the decision they belong to, claimed with an intent, recorded after the wire.

A delivery is written in the transaction that decides on it (`outgoing`), so it cannot be lost. Sending is at
least once: `claim` writes an intent before the wire, and whoever finds a lease run out asks the provider
(`look_up`) before sending again. Where the provider cannot tell, the message goes out again marked
可能重复: a message too many beats one too few.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Max, Q

from coordination import events
from coordination.announcements import announce
from coordination.channels import Accepted, Ambiguous, Message, Outcome, Rejected
from coordination.messages import MAYBE_DUPLICATE, message_or_none
from coordination.models import Callout, Delivery, SendIntent
from coordination.models.deliveries import SendOutcome
from coordination.outgoing import (
    ALARM_VALID_FOR,
    after_failure,
    alarm,
    ask,
    cancel,
    hold_back,
    holders_of,
    inform,
    not_known_to_be_asked,
    tell,
    unreachable,
    window_has_closed,
    write_back,
)
from coordination.paging import UNSENT, CalloutStatus, DeliveryStatus, InvitationStatus, Purpose
from coordination.traffic import look

log = logging.getLogger(__name__)

# Longer than any channel's own time-out, so a lease that ran out means the sender died or hung.
LEASE: Final = timedelta(seconds=45)
BACKOFF_AT_MOST: Final = timedelta(seconds=60)
# So many attempts that broke off without a certain outcome say that the message itself is at fault.
POISONOUS: Final = 5
LIMIT_REACHED: Final = "这个号码已达通道限额"
QUARANTINED: Final = "多次发送都出错，已隔离"
NO_REASON: Final = "通道没有说明原因"


@dataclass(frozen=True)
class Claimed:
    """A delivery that this process alone may hand over now, ready for the wire.

    `look_up_at` are the channels that may have had it already: they are asked first, and if none has, it
    goes over `channel`, which may be another one.
    """

    delivery_id: int
    lease_no: int
    channel: str
    message: Message
    look_up_at: tuple[str, ...] = ()
    asked_in_vain: int = 0  # how often those could not tell, though they offer to

    @property
    def look_up_first(self) -> bool:
        return bool(self.look_up_at)


@dataclass(frozen=True)
class Found:
    """An earlier attempt had got through: `channel` knows the message as `message_id`. Nothing was sent."""

    channel: str
    message_id: str


@dataclass(frozen=True)
class CouldNotAsk:
    """Whether an earlier attempt had got through could not be asked for now. Nothing was sent."""

    channel: str


def expire(*, at: datetime) -> int:
    """Fail what could not be sent in time, and alarm the duty officer about asks that never went out.

    What is on the wire this moment is left to whoever holds its lease: it may be out.
    """
    late = list(
        Delivery.objects.filter(
            Q(lease_until=None) | Q(lease_until__lt=at), status__in=list(UNSENT), expires_at__lte=at
        ).values_list("pk", flat=True)[:100]
    )
    for pk in late:
        _fail(pk, "过了有效时间仍未发出", at=at)
    return len(late)


def _fail(delivery_id: int, reason: str, *, at: datetime) -> None:
    """Give an unsent message up, and go on to whatever comes after it."""
    with transaction.atomic():
        delivery = _lock(delivery_id, with_callout=True)
        if delivery.status not in UNSENT:
            return
        delivery.status = DeliveryStatus.FAILED
        delivery.reason = reason
        delivery.lease_until = None
        delivery.save(update_fields=["status", "reason", "lease_until"])
        after_failure(delivery, at=at)


def claim(*, slots: int, holder: uuid.UUID, at: datetime) -> list[Claimed]:
    """Lease up to `slots` due deliveries to this process and write an intent for each, in one transaction.

    Asks whose callout is over or whose invitee is no longer asked are cancelled here, the last moment
    before the wire; what broke off again and again, or cannot even be written, is put aside as failed.
    Which channel of its medium a message takes is decided here as well: by how well each works, and by what
    its limits still allow. Where none allows it now it waits, and where that is too long it fails, so that
    the next step goes. Safe to call from any number of processes: no delivery is leased twice.
    """
    if slots <= 0:
        return []
    claimed: list[Claimed] = []
    leased: dict[tuple[str, bool], list[int]] = defaultdict(list)
    hopeless: dict[int, str] = {}
    with transaction.atomic():
        rows = _wanted(_due(slots, at))
        traffic = look(rows, at=at)
        for delivery in rows:
            tried = list(delivery.intents.all())
            # An intent that has no certain outcome: the message may be out already.
            broken_off = [one for one in tried if one.outcome in ("", SendOutcome.AMBIGUOUS)]
            delivery.maybe_duplicate = delivery.maybe_duplicate or bool(broken_off)
            if len(broken_off) >= POISONOUS:
                hopeless[delivery.pk] = QUARANTINED
                continue
            last = tried[-1] if tried else None
            refused = last.channel if last and last.outcome == SendOutcome.DEFERRED else ""
            channel, fits_from = traffic.way(delivery, failed_over=refused)
            if fits_from > at:
                if fits_from >= _of_use_until(delivery):
                    hopeless[delivery.pk] = LIMIT_REACHED
                else:
                    delivery.due_at = fits_from
                    delivery.save(update_fields=["due_at"])
                continue
            may_have_it = tuple(dict.fromkeys(one.channel or delivery.channel for one in broken_off))
            delivery.channel = channel
            # Written only now: what it offers for an answer depends on the channel.
            if (message := message_or_none(delivery, at=at)) is None:
                hopeless[delivery.pk] = QUARANTINED
                continue
            claimed.append(
                Claimed(
                    delivery_id=delivery.pk,
                    lease_no=delivery.lease_no + 1,
                    channel=channel,
                    message=message,
                    look_up_at=may_have_it,
                    asked_in_vain=sum(one.outcome == SendOutcome.NOT_SENT for one in tried),
                )
            )
            leased[channel, delivery.maybe_duplicate].append(delivery.pk)
        for (channel, maybe_duplicate), pks in leased.items():
            Delivery.objects.filter(pk__in=pks).update(
                lease_no=F("lease_no") + 1,
                lease_until=at + LEASE,
                lease_holder=holder,
                status=DeliveryStatus.LEASED,
                channel=channel,
                maybe_duplicate=maybe_duplicate,
            )
        SendIntent.objects.bulk_create(
            SendIntent(delivery_id=one.delivery_id, lease_no=one.lease_no, channel=one.channel, at=at)
            for one in claimed
        )
    # By itself: a failure locks its callout, which here would come after the message.
    for pk, reason in hopeless.items():
        _fail(pk, reason, at=at)
    return claimed


def _due(slots: int, at: datetime) -> list[Delivery]:
    return list(
        Delivery.objects.filter(pk__in=_due_ids(slots, at))
        .select_related("callout__incident", "invitation__requirement", "contact_check")
        .prefetch_related("intents", "invitation__tokens")
        .order_by("priority", "due_at", "id")
    )


def _wanted(due: list[Delivery]) -> list[Delivery]:
    """Cancel what is no longer wanted, hold what a pause holds; return the rest."""
    wanted = []
    for delivery in due:
        if (reason := _no_longer_wanted(delivery)) is None:
            if delivery.purpose == Purpose.ASK and delivery.callout and delivery.callout.paused:
                hold_back(delivery)
            else:
                wanted.append(delivery)
            continue
        delivery.status = DeliveryStatus.CANCELLED
        delivery.reason = f"{reason}（可能已发出）" if delivery.lease_no else reason
        delivery.lease_until = None
        delivery.save(update_fields=["status", "reason", "lease_until"])
    return wanted


def _of_use_until(delivery: Delivery) -> datetime:
    """Return when it is too late to send a message: an ask is of no use once nobody waits for the answer."""
    window_ends = delivery.invitation.answer_by if delivery.invitation else None
    if delivery.purpose == Purpose.ASK and window_ends is not None:
        return min(delivery.expires_at, window_ends)
    return delivery.expires_at


def record(claimed: Claimed, outcome: Outcome | Found | CouldNotAsk, *, at: datetime) -> None:
    """Write down what became of a claimed delivery.

    An acceptance is recorded whoever holds the lease by now: the reference is the delivery's own, so
    any success is the success. Anything else is recorded only by the lease that it happened under.
    """
    outcome = _as_kept(outcome, claimed.message)
    with transaction.atomic():
        failed = isinstance(outcome, Rejected) and outcome.permanent
        delivery = _lock(claimed.delivery_id, with_callout=failed)
        if delivery.public_id != claimed.message.reference:
            log.error("%s is unknown: the database is another one by now", claimed.message.reference)
            return
        mine = delivery.lease_no == claimed.lease_no and delivery.status == DeliveryStatus.LEASED
        match outcome:
            case Accepted(message_id):
                _finish_intent(delivery, claimed, SendOutcome.ACCEPTED, message_id, at=at)
                _is_out(delivery, claimed.channel, message_id, at=at)
            case Found(channel, message_id):
                _finish_intent(
                    delivery, claimed, SendOutcome.NOT_SENT, f"{channel} 已收过：{message_id}", at=at
                )
                _got_through_before(claimed, channel, message_id, at=at)
                _is_out(delivery, channel, message_id, at=at)
            case CouldNotAsk(channel):
                _finish_intent(delivery, claimed, SendOutcome.NOT_SENT, f"{channel} 暂时无法查询", at=at)
                if mine:
                    delivery.status = DeliveryStatus.UNKNOWN
                    delivery.reason = "可能已发出，暂时无法查询"
                    delivery.lease_until = None
                    delivery.due_at = at + _backoff(delivery.lease_no)
                    delivery.save()
            case Ambiguous(reason):
                _finish_intent(delivery, claimed, SendOutcome.AMBIGUOUS, reason, at=at)
                if mine:
                    # Asked about or sent again soon: nobody is helped by waiting for the lease to run out.
                    delivery.status = DeliveryStatus.UNKNOWN
                    delivery.reason = reason
                    delivery.lease_until = None
                    delivery.due_at = at + _backoff(delivery.lease_no)
                    delivery.save()
            case _:
                certain = SendOutcome.REJECTED if outcome.permanent else SendOutcome.DEFERRED
                _finish_intent(delivery, claimed, certain, outcome.reason, at=at)
                if not mine:
                    return
                delivery.reason = outcome.reason
                delivery.lease_until = None
                if outcome.permanent:
                    delivery.status = DeliveryStatus.FAILED
                else:
                    delivery.status = DeliveryStatus.PENDING
                    delivery.due_at = at + _backoff(delivery.lease_no)
                delivery.save()
                if outcome.permanent:
                    after_failure(delivery, at=at)
        _announce(delivery)


def record_taken(taken: Sequence[tuple[Claimed, Accepted]], *, at: datetime) -> set[tuple[int, int]]:
    """Write down many acceptances in one transaction, each as `record` would; return the leases of those that were.

    The others have to be recorded one by one: somebody else was at them, or a provider gave two one name.
    Waiting here for a row while others are held would be a deadlock with whoever cancels several.
    """
    by_row = {claimed.delivery_id: (claimed, accepted.message_id) for claimed, accepted in taken}
    done: set[tuple[int, int]] = set()
    topics: set[str] = set()
    try:
        with transaction.atomic():
            free = Delivery.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
            for delivery in free.filter(pk__in=by_row).select_related("incident").order_by("pk"):
                claimed, said = by_row[delivery.pk]
                if delivery.public_id != claimed.message.reference:
                    continue
                message_id = _name_kept(said, claimed.message)
                _finish_intent(delivery, claimed, SendOutcome.ACCEPTED, message_id, at=at)
                _mark_out(delivery, claimed.channel, message_id, at=at)
                delivery.save(update_fields=_OUT)
                topics.update(_topics(delivery))
                done.add((claimed.delivery_id, claimed.lease_no))
            announce(*sorted(topics))
    except IntegrityError:
        return set()
    return done


def _as_kept(outcome: Outcome | Found | CouldNotAsk, message: Message) -> Outcome | Found | CouldNotAsk:
    """Return what was said in words that every database keeps: one that it refused would leave all this unrecorded."""
    if isinstance(outcome, CouldNotAsk):
        return outcome
    if isinstance(outcome, Rejected | Ambiguous):
        return replace(outcome, reason=events.plain(outcome.reason)[:200] or NO_REASON)
    return replace(outcome, message_id=_name_kept(outcome.message_id, message))


def _name_kept(message_id: str, message: Message) -> str:
    return events.plain(message_id)[: events.LONGEST_ID] or str(message.reference)


def write_in(delivery_id: int, channel: str, message_id: str, *, at: datetime) -> None:
    """Write in an attempt that a restored database has forgotten: `channel` knows the message, so it is out."""
    with transaction.atomic():
        delivery = _lock(delivery_id, with_callout=False)
        delivery.lease_no += 1
        delivery.save(update_fields=["lease_no"])
        SendIntent.objects.create(
            delivery=delivery,
            lease_no=delivery.lease_no,
            channel=channel,
            at=at,
            outcome=SendOutcome.ACCEPTED,
            detail=f"恢复后查到：{message_id}"[:200],
            finished_at=at,
        )
        _is_out(delivery, channel, message_id, at=at)
        _announce(delivery)


_OUT: Final = ["status", "provider", "provider_message_id", "sent_at", "lease_until"]


def _is_out(delivery: Delivery, channel: str, message_id: str, *, at: datetime) -> None:
    _mark_out(delivery, channel, message_id, at=at)
    try:
        with transaction.atomic():
            delivery.save(update_fields=_OUT)
    except IntegrityError:
        # A provider that gives two messages one name. Were this one left unrecorded, it would go out again.
        delivery.provider_message_id = f"{message_id[:100]}+{delivery.pk}"
        delivery.save(update_fields=_OUT)


def _mark_out(delivery: Delivery, channel: str, message_id: str, *, at: datetime) -> None:
    if delivery.status in UNSENT:
        delivery.status = DeliveryStatus.SENT
    # Whatever it is by now (cancelled, or moved on by a receipt that was quicker): it is out.
    if not delivery.provider_message_id:
        delivery.provider = channel
        delivery.provider_message_id = message_id
    delivery.sent_at = delivery.sent_at or at
    delivery.lease_until = None


def _got_through_before(claimed: Claimed, channel: str, message_id: str, *, at: datetime) -> None:
    """Write down at the attempt that had broken off what is known of it now."""
    earlier = SendIntent.objects.filter(
        delivery=claimed.delivery_id,
        lease_no__lt=claimed.lease_no,
        channel=channel,
        outcome__in=["", SendOutcome.AMBIGUOUS],
    ).order_by("-lease_no")
    if (attempt := earlier.first()) is not None:
        attempt.outcome, attempt.detail, attempt.finished_at = SendOutcome.ACCEPTED, message_id[:200], at
        attempt.save(update_fields=["outcome", "detail", "finished_at"])


def take_report(
    delivery_id: int,
    *,
    delivered: bool,
    reason: str,
    sequence: int,
    channel: str,
    message_id: str = "",
    at: datetime,
) -> bool:
    """Write down what a provider says became of a message; return whether that changed anything.

    The order in which several reports come makes no difference to what stands here afterwards: one of
    delivery outweighs any of failure, and of two failures the one with the higher `sequence` counts. It
    may come before `record`; then it settles the message, and nothing is sent again. A failure moves on to
    the next way of reaching the recipient; one told by a provider that the message no longer goes over
    changes nothing. "Delivered" says that a device or a mailbox has it, not that
    anybody has read it.
    """
    with transaction.atomic():
        delivery = _lock(delivery_id, with_callout=not delivered)
        if not delivered and delivery.channel != channel:
            return False  # it goes over another provider by now; that this one failed says nothing of that
        before = (delivery.status, delivery.reason, delivery.delivered_at)
        was = DeliveryStatus(delivery.status)
        counts = (sequence, reason) > (delivery.provider_sequence, delivery.reason)
        delivery.provider_sequence = max(delivery.provider_sequence, sequence)
        if delivery.sent_at is None:
            # Nobody recorded the sending: it was when it was last tried, not when somebody tells of it.
            delivery.sent_at = delivery.intents.aggregate(last=Max("at"))["last"] or at
        if not delivery.provider_message_id and message_id and not _is_taken(channel, message_id):
            delivery.provider, delivery.provider_message_id = channel, message_id
        if delivered:
            delivery.delivered_at = delivery.delivered_at or at
            if was is not DeliveryStatus.CANCELLED:
                delivery.status, delivery.reason = DeliveryStatus.DELIVERED, ""
        elif was not in (DeliveryStatus.DELIVERED, DeliveryStatus.CANCELLED):
            delivery.status = DeliveryStatus.FAILED
            delivery.reason = reason if counts else delivery.reason
        if was in UNSENT:
            delivery.lease_until = None
        delivery.save()
        if delivery.status == DeliveryStatus.FAILED and was is not DeliveryStatus.FAILED:
            after_failure(delivery, at=at)
        changed = before != (delivery.status, delivery.reason, delivery.delivered_at)
        if changed:
            _announce(delivery)
        return changed


def _is_taken(channel: str, message_id: str) -> bool:
    return Delivery.objects.filter(provider=channel, provider_message_id=message_id).exists()


def void_leases(*, of_others_than: uuid.UUID, at: datetime) -> int:
    """Void the leases of processes that are gone, at the start of the embedded server.

    Only where one process holds the database (an OS lock sees to it): every other holder is dead.
    """
    return (
        Delivery.objects.filter(status=DeliveryStatus.LEASED)
        .exclude(lease_holder=of_others_than)
        .update(lease_until=at - timedelta(microseconds=1))
    )


def _lock(delivery_id: int, *, with_callout: bool) -> Delivery:
    """Lock a delivery, its callout before it when a failure may have to move that on."""
    if with_callout:
        callout_id = Delivery.objects.values_list("callout_id", flat=True).get(pk=delivery_id)
        if callout_id is not None:
            Callout.objects.locked(callout_id)
    rows = Delivery.objects.select_for_update(of=("self",), no_key=True).select_related("incident")
    return rows.get(pk=delivery_id)


def _no_longer_wanted(delivery: Delivery) -> str | None:
    if delivery.purpose != Purpose.ASK or delivery.callout is None or delivery.invitation is None:
        return None
    if delivery.callout.status == CalloutStatus.CLOSED:
        return "通知应答已结束"
    if delivery.invitation.status != InvitationStatus.ASKED:
        return f"对方状态已是“{InvitationStatus(delivery.invitation.status).zh}”"
    return None


def _finish_intent(
    delivery: Delivery, claimed: Claimed, outcome: SendOutcome, detail: str, *, at: datetime
) -> None:
    ended = {"outcome": outcome, "detail": detail[:200], "finished_at": at}
    if SendIntent.objects.filter(delivery=delivery, lease_no=claimed.lease_no).update(**ended):
        return
    # A standby took over that was behind, and the claim is lost. What is known of it is worth the more.
    SendIntent.objects.create(
        delivery=delivery, lease_no=claimed.lease_no, channel=claimed.channel, at=at, **ended
    )
    delivery.lease_no = max(delivery.lease_no, claimed.lease_no)
    delivery.save(update_fields=["lease_no"])


def _backoff(lease_no: int) -> timedelta:
    return min(BACKOFF_AT_MOST, timedelta(seconds=2 ** min(lease_no, 6)))


def _due_ids(slots: int, at: datetime) -> list[int]:
    """Return the ids to lease, locked until the transaction ends.

    On PostgreSQL the callout is locked FOR SHARE as well: under READ COMMITTED a callout that fills
    between our snapshot and our update would let one more message out. The ORM has no FOR SHARE.
    """
    if connection.vendor != "postgresql":
        return list(
            Delivery.objects.due(at).order_by("priority", "due_at", "id").values_list("pk", flat=True)[:slots]
        )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT d.id, d.callout_id FROM coordination_delivery d
            WHERE d.status IN ('pending', 'leased', 'unknown') AND d.due_at <= %s AND d.expires_at > %s
              AND (d.lease_until IS NULL OR d.lease_until < %s)
            ORDER BY d.priority, d.due_at, d.id
            LIMIT %s
            FOR UPDATE OF d SKIP LOCKED
            """,
            [at, at, at, slots],
        )
        found = cursor.fetchall()
        wanted = sorted({callout for _, callout in found if callout is not None})
        cursor.execute(
            "SELECT id FROM coordination_callout WHERE id = ANY(%s) ORDER BY id FOR SHARE SKIP LOCKED",
            [wanted],
        )
        free = {row[0] for row in cursor.fetchall()}
    return [pk for pk, callout in found if callout is None or callout in free]


def _announce(delivery: Delivery) -> None:
    announce(*_topics(delivery))


def _topics(delivery: Delivery) -> list[str]:
    if delivery.incident:
        return [f"incident:{delivery.incident.public_id}", "desk"]
    return ["guidance"] if delivery.guidance_request_id else []


# What is written and what is sent are one thing to everybody else.
__all__ = [
    "ALARM_VALID_FOR",
    "LEASE",
    "MAYBE_DUPLICATE",
    "QUARANTINED",
    "Claimed",
    "CouldNotAsk",
    "Found",
    "alarm",
    "ask",
    "cancel",
    "claim",
    "expire",
    "holders_of",
    "inform",
    "not_known_to_be_asked",
    "record",
    "record_taken",
    "take_report",
    "tell",
    "unreachable",
    "void_leases",
    "window_has_closed",
    "write_in",
    "write_back",
]
