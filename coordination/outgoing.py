"""Messages written, in the transaction that decides on them; sending them is left to `deliveries`.

All that somebody is sent until they answer stands in rows at once, each with its due moment, as the
policy says (`paging.messages`). What fails brings the next one forward, or goes another way, and when
there is no way left somebody is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, F, Max, OuterRef, QuerySet, prefetch_related_objects

from contracts.models import RescueTeam
from coordination import channels, links, paging
from coordination.channels import Channel
from coordination.models import Callout, ContactCheck, Delivery, GuidanceRequest, Invitation, SendIntent
from coordination.models.deliveries import NOT_TAKEN
from coordination.paging import (
    ON_THE_WAY,
    POLICIES,
    UNSENT,
    CalloutStatus,
    Contact,
    DeliveryStatus,
    InvitationStatus,
    Medium,
    Planned,
    Policy,
    Purpose,
)
from experts.models import Expert
from ground.access import Role
from ground.models import ContactPoint, User
from incidents.models import Incident

ALARM_VALID_FOR: Final = timedelta(hours=12)
NOTICE_VALID_FOR: Final = timedelta(days=3)
WRITTEN_BACK_WITHIN: Final = timedelta(hours=1)
AFTER_ALL_ELSE: Final = 900_000
# So far ahead lies what is held, beside the moment that it would have had. Nothing else lies half as far.
HELD: Final = timedelta(days=365)
NO_CONTACT: Final = "没有可用的联系方式"
# What the columns hold; a title alone may be as long.
LONGEST_SUBJECT: Final = 120


def ask(
    invitation: Invitation,
    *,
    subject: str,
    text: str,
    fields: Mapping[str, str] | None = None,
    turn: int = 0,
    at: datetime,
) -> list[Delivery]:
    """Write all that an invitee is sent until they answer, each message with its due moment.

    `turn` is their place in the wave. An answer cancels what has not left, a failure brings the next
    message forward; the answer link is added when a message is sent. `fields` say the same as the text in
    named parts, for channels that send approved templates only.
    """
    links.issue(invitation, at=at)
    return _to_invitee(invitation, Purpose.ASK, subject=subject, text=text, fields=fields, turn=turn, at=at)


def unreachable(people: Sequence[Expert | RescueTeam | None], policy: Policy) -> set[int]:
    """Return the places in the list of those whom no channel of this installation reaches."""
    known = [person for person in people if person is not None]
    prefetch_related_objects([person for person in known if isinstance(person, Expert)], "contacts")
    prefetch_related_objects([person for person in known if isinstance(person, RescueTeam)], "contacts")
    return {
        number
        for number, person in enumerate(people)
        if person is not None and not _planned(person.contacts.all(), policy)
    }


def tell(
    invitation: Invitation,
    purpose: Purpose,
    *,
    subject: str,
    text: str,
    fields: Mapping[str, str] | None = None,
    at: datetime,
) -> list[Delivery]:
    """Write what tells an invitee something (a stand-down, a correction): to wherever an ask would go at once."""
    turn = invitation.rank
    return _to_invitee(invitation, purpose, subject=subject, text=text, fields=fields, turn=turn, at=at)


def write_back(
    channel: Channel,
    address: str,
    *,
    recipient: str,
    subject: str,
    text: str,
    policy: Policy,
    invitation: Invitation | None = None,
    at: datetime,
) -> Delivery:
    """Write to an address that has written to us, over this channel while it works, and no other medium."""
    callout = invitation.callout if invitation else None
    return Delivery.objects.create(
        purpose=Purpose.NOTICE,
        invitation=invitation,
        callout=callout,
        incident_id=callout.incident_id if callout else None,
        guidance_request_id=callout.guidance_request_id if callout else None,
        recipient=recipient,
        channel=channel.code,
        medium=channel.medium,
        address=address,
        subject=shortened(subject, LONGEST_SUBJECT),
        text=text,
        # Behind everybody's first ask, before anything else.
        priority=paging.place_in_queue(policy, step=1, turn=0),
        created_at=at,
        due_at=at,
        expires_at=at + WRITTEN_BACK_WITHIN,
    )


def alarm(
    *,
    subject: str,
    text: str,
    at: datetime,
    callout: Callout | None = None,
    incident: Incident | None = None,
    guidance_request: GuidanceRequest | None = None,
) -> list[Delivery]:
    """Write an alarm to every duty officer; for a guidance request to every roster admin, if there is one.

    About a callout it is about whatever that is for.
    """
    if callout is not None:
        incident, guidance_request = callout.incident, callout.guidance_request
    admins = list(holders_of(Role.ROSTER_ADMIN)) if guidance_request else []
    return [
        message
        for officer in admins or holders_of(Role.DUTY_OFFICER)
        for message in _to_user(
            officer,
            Purpose.ALARM,
            valid_for=ALARM_VALID_FOR,
            policy=POLICIES["urgent"],
            priority=0,
            at=at,
            callout=callout,
            incident=incident,
            guidance_request=guidance_request,
            subject=subject,
            text=text,
        )
    ]


def somebody_to_alarm() -> bool:
    """Say whether an alarm now would go to any duty officer over the channels of this installation."""
    policy = POLICIES["urgent"]
    return any(_planned(officer.contacts.all(), policy) for officer in holders_of(Role.DUTY_OFFICER))


def inform(
    users: QuerySet[User], *, subject: str, text: str, guidance_request: GuidanceRequest, at: datetime
) -> list[Delivery]:
    """Write a notice about a guidance request to each of `users`; nothing urgent waits behind it."""
    return [
        message
        for user in users.prefetch_related("contacts")
        for message in _to_user(
            user,
            Purpose.NOTICE,
            valid_for=NOTICE_VALID_FOR,
            policy=POLICIES["patient"],
            priority=AFTER_ALL_ELSE,
            at=at,
            guidance_request=guidance_request,
            subject=subject,
            text=text,
        )
    ]


def check_contact(
    check: ContactCheck,
    *,
    contacts: Iterable[ContactPoint],
    subject: str,
    text: str,
    fields: Mapping[str, str],
    at: datetime,
) -> list[Delivery]:
    """Write one message of a contact drill: to the first way of reaching them, behind everything else."""
    return _write(
        _at_once(_planned(contacts, POLICIES["standard"]))[:1],
        first_attempt=1,
        priority=lambda _number: AFTER_ALL_ELSE,
        purpose=Purpose.DRILL,
        contact_check=check,
        recipient=check.person.name,
        subject=subject,
        text=text,
        fields=dict(fields),
        created_at=at,
        expires_at=check.drill.ends_at,
    )


def holders_of(role: Role) -> QuerySet[User]:
    """Return the active accounts that hold `role`, with their contacts."""
    return User.objects.filter(is_active=True, grants__role=role).distinct().prefetch_related("contacts")


def cancel(invitation: Invitation, purposes: Iterable[Purpose], *, reason: str, at: datetime) -> bool:
    """Cancel the invitee's unsent messages; return whether any of these purposes may have reached them."""
    may_be_out = SendIntent.objects.filter(delivery=OuterRef("pk")).exclude(outcome__in=NOT_TAKEN)
    rows = invitation.deliveries.filter(purpose__in=list(purposes)).annotate(tried=Exists(may_be_out))
    found = list(rows.values_list("pk", "tried"))
    for tried, said in ((False, reason), (True, f"{reason}（可能已发出）")):
        # One statement that looks again: what the sender records in this moment stays recorded.
        Delivery.objects.filter(
            pk__in=[pk for pk, was_tried in found if was_tried is tried], status__in=list(UNSENT)
        ).update(status=DeliveryStatus.CANCELLED, reason=said[:200], lease_until=None)
    return any(tried for _, tried in found)


def hold(callout: Callout) -> None:
    """Let nothing that asks in this callout leave before `let_go`; what is on the wire is out."""
    _asks_to_go(callout).filter(lease_until=None).update(
        due_at=F("due_at") + HELD, expires_at=F("expires_at") + HELD
    )


def hold_back(delivery: Delivery) -> None:
    """Hold what was on the wire, or was brought forward, when its callout was paused: due when that ends."""
    callout = delivery.callout
    assert callout is not None and callout.paused_at is not None
    delivery.due_at = callout.paused_at + HELD
    if delivery.expires_at < _is_held_from(callout.paused_at):
        delivery.expires_at += HELD
    delivery.save(update_fields=["due_at", "expires_at"])


def let_go(callout: Callout, *, at: datetime) -> None:
    """Give each message that is held as much time before it leaves, and before it expires, as it had left."""
    assert callout.paused_at is not None
    held_from = _is_held_from(callout.paused_at)
    back = HELD - max(at - callout.paused_at, timedelta())
    asks = _asks_to_go(callout)
    asks.filter(due_at__gt=held_from).update(due_at=F("due_at") - back)
    asks.filter(expires_at__gt=held_from).update(expires_at=F("expires_at") - back)


def _asks_to_go(callout: Callout) -> QuerySet[Delivery]:
    return Delivery.objects.filter(callout=callout, purpose=Purpose.ASK, status__in=list(UNSENT))


def _is_held_from(paused_at: datetime) -> datetime:
    return paused_at + HELD / 2


def after_failure(delivery: Delivery, *, at: datetime) -> None:
    """Bring the next message forward, or find another way; when there is none, say so. Nothing fails silently."""
    later = delivery.siblings.filter(status=DeliveryStatus.PENDING, lease_no=0, due_at__gt=at)
    if (following := later.order_by("due_at", "attempt").first()) is not None:
        following.due_at = at
        following.save(update_fields=["due_at"])
        return
    if delivery.siblings.alive().exists() or _goes_another_way(delivery, at=at):
        return
    if delivery.invitation is None or _is_answered(delivery):
        return
    if delivery.purpose == Purpose.ASK:
        # Nobody can hear this one, so the next is asked without waiting for the window to close.
        Callout.objects.filter(deliveries=delivery, status=CalloutStatus.OPEN, paused=False).update(
            next_step_at=at
        )
    what = "通知" if delivery.purpose == Purpose.ASK else "消息"
    alarm(
        subject=f"未能送达：{delivery.recipient}",
        text=f"发给{delivery.recipient}的{what}没有送达：{delivery.reason}。请电话联系，或换人。",
        at=at,
        callout=delivery.callout,
    )


def window_has_closed(invitation: Invitation, *, at: datetime) -> str | None:
    """Cancel what of an ask has not left; return why when no message of it is known to have gone out.

    Then the officer is to hear of it: "no answer" would say that somebody was asked.
    """
    asks = list(invitation.deliveries.filter(purpose=Purpose.ASK, created_at__gte=invitation.asked_at))
    # A message that did not get out within the window must not arrive after it as if it were new.
    cancel(invitation, [Purpose.ASK], reason="答复时限已过", at=at)
    # Where nothing is left unsent, each failure was told when it happened.
    some_left = any(one.status in UNSENT for one in asks)
    if not some_left or any(one.status in ON_THE_WAY for one in asks):
        return None
    return next((one.reason for one in reversed(asks) if one.reason), "一直没有轮到发送")


def not_known_to_be_asked(callout: Callout, reasons: Mapping[str, str], *, at: datetime) -> None:
    """Tell the officer, in one alarm, of those whose window has closed on messages that may never have left."""
    names = list(reasons)
    alarm(
        subject=f"未能送达：{names[0]}" + (f" 等 {len(names)} 人" if len(names) > 1 else ""),
        text="通知在答复时限内没有确认发出："
        + "；".join(f"{name}（{why}）" for name, why in reasons.items())
        + "。请电话联系，或换人。",
        at=at,
        callout=callout,
    )


def _is_answered(ask: Delivery) -> bool:
    """Say whether nothing hangs on this ask any more, though a receipt of its failure may still come in."""
    waiting = (InvitationStatus.ASKED, InvitationStatus.LAPSED)
    return ask.purpose == Purpose.ASK and ask.invitation is not None and ask.invitation.status not in waiting


def _goes_another_way(delivery: Delivery, *, at: datetime) -> bool:
    """Send what is not an ask (all of whose ways are written at once) over a way that was not tried yet."""
    if delivery.purpose == Purpose.ASK or delivery.expires_at <= at:
        return False
    person: Expert | RescueTeam | User | None = delivery.user
    if delivery.invitation:
        person = delivery.invitation.invitee
    elif delivery.contact_check:
        person = delivery.contact_check.person
    if person is None:
        return False
    policy = delivery.callout.policy if delivery.invitation and delivery.callout else POLICIES["urgent"]
    said = [delivery, *delivery.siblings]
    tried = {(one.medium, one.address) for one in said}
    for planned in _planned(person.contacts.all(), policy):
        if (planned.medium, planned.contact.address) not in tried:
            _write(
                [replace(planned, after=at - delivery.created_at)],
                first_attempt=1 + max(one.attempt for one in said),
                priority=lambda _number: delivery.priority,
                purpose=delivery.purpose,
                invitation=delivery.invitation,
                user=delivery.user,
                contact_check=delivery.contact_check,
                callout=delivery.callout,
                incident_id=delivery.incident_id,
                guidance_request_id=delivery.guidance_request_id,
                recipient=delivery.recipient,
                subject=delivery.subject,
                text=delivery.text,
                fields=delivery.fields,
                created_at=delivery.created_at,
                expires_at=delivery.expires_at,
            )
            return True
    return False


def _to_invitee(
    invitation: Invitation,
    purpose: Purpose,
    *,
    subject: str,
    text: str,
    fields: Mapping[str, str] | None,
    turn: int,
    at: datetime,
) -> list[Delivery]:
    callout, policy = invitation.callout, invitation.callout.policy
    planned = _planned(invitation.invitee.contacts.all(), policy)
    step = 0
    if purpose != Purpose.ASK:
        planned = _where_they_were_asked(invitation, planned)
        step = 1  # behind everybody's first ask
    attempt = invitation.deliveries.filter(purpose=purpose).aggregate(last=Max("attempt"))["last"] or 0
    return _write(
        planned,
        first_attempt=attempt + 1,
        priority=lambda number: paging.place_in_queue(policy, step=step + number, turn=turn),
        purpose=purpose,
        invitation=invitation,
        callout=callout,
        incident_id=callout.incident_id,
        guidance_request_id=callout.guidance_request_id,
        recipient=invitation.invitee.name,
        subject=subject,
        text=text,
        fields=dict(fields or {}),
        created_at=at,
        expires_at=at + policy.message_valid_for,
    )


def _to_user(
    user: User,
    purpose: Purpose,
    *,
    policy: Policy,
    valid_for: timedelta,
    priority: int,
    at: datetime,
    **columns: Any,
) -> list[Delivery]:
    return _write(
        _at_once(_planned(user.contacts.all(), policy)),
        first_attempt=1,
        priority=lambda _number: priority,
        purpose=purpose,
        user=user,
        recipient=user.name,
        created_at=at,
        expires_at=at + valid_for,
        **columns,
    )


def shortened(text: str, at_most: int) -> str:
    """Return a text on one line that its column holds: one that it does not would leave nobody asked at all."""
    line = " ".join(text.split())
    return line if len(line) <= at_most else f"{line[: at_most - 1]}…"


def _planned(contacts: Iterable[ContactPoint], policy: Policy) -> Sequence[Planned]:
    known = [Contact(contact.kind, contact.value) for contact in contacts]
    return paging.messages(known, channels.reach(), policy)


def _at_once(planned: Iterable[Planned]) -> list[Planned]:
    return [one for one in planned if not one.after]


def _where_they_were_asked(invitation: Invitation, planned: Sequence[Planned]) -> list[Planned]:
    """Return the ways that go at once, and in writing those by which an ask may have reached them later."""
    asked = set(
        invitation.deliveries.filter(purpose=Purpose.ASK, lease_no__gt=0)
        .exclude(medium=Medium.VOICE)
        .exclude(status=DeliveryStatus.FAILED)
        .values_list("medium", "address")
    )
    return [
        replace(one, after=timedelta())
        for one in planned
        if not one.after or (one.medium, one.contact.address) in asked
    ]


def _write(
    planned: Sequence[Planned],
    *,
    first_attempt: int,
    priority: Callable[[int], int],
    created_at: datetime,
    **columns: Any,
) -> list[Delivery]:
    """Write one row for each planned message; one that has failed already where there is no way at all."""
    columns["subject"] = shortened(columns["subject"], LONGEST_SUBJECT)
    ways: list[dict[str, Any]] = [
        {
            "channel": channels.carriers_of(one.medium, one.contact.kind)[0].code,
            "medium": one.medium,
            "address": one.contact.address,
            "due_at": created_at + one.after,
        }
        for one in planned
    ] or [
        {"channel": "none", "status": DeliveryStatus.FAILED, "reason": NO_CONTACT, "due_at": created_at},
    ]
    rows = Delivery.objects.bulk_create(
        Delivery(
            attempt=first_attempt + number,
            priority=priority(number),
            created_at=created_at,
            **columns,
            **way,
        )
        for number, way in enumerate(ways)
    )
    if not planned:
        after_failure(rows[0], at=created_at)
    return rows
